import type { Counts, Entry, GroupMessage, Missed, Position } from '../../layer.ts';
import type { Item, MessagePush } from '../connection/envelope.ts';
import type { HealthCounters } from '../connection/health.ts';
import { hasReached, Places, type PlaceRun } from './places.ts';

/** One thing that came for a group, in the order in which the broker sent it. */
export interface Arrival {
  readonly item: Item;
  /** Of a saved message. */
  readonly position: Position | undefined;
  readonly createdMs: number;
}

/** What became of a message of this node here: delivered, never to be, or the app's own code threw at it. */
export type Echo = (sequence: number, outcome: Counts | 'never' | { readonly failure: unknown }) => void;

/** What a group's subscription asks of the node. */
export interface SubscriptionOwner {
  deliver(group: string, message: GroupMessage, entry: Entry | undefined): Counts;
  missed(group: string, what: Missed): void;
  echoed: Echo;
  isOwn(node: string): boolean;
  report(error: unknown): void;
  readonly counters: HealthCounters;
  /** Bytes that wait grew by so many, or shrank. */
  buffered(bytes: number): void;
  isOverfull(): boolean;
  /** The group has a hole, or another epoch: its history is to be read. */
  recover(subscription: Subscription): void;
}

/**
 * A subscription is the place of one node in one group: what has been delivered, and what waits because something
 * before it is missing.
 *
 * A saved message is delivered only if it is the next one of the same epoch. While history is read, all that comes
 * waits.
 */
export class Subscription {
  readonly group: string;
  readonly channel: string;
  /** `away`: no subscription at the broker. `placing`: subscribed, its place not known yet. */
  phase: 'away' | 'placing' | 'live' | 'recovering' = 'away';
  cursor: Position | undefined = undefined;
  /** Run of the server in which the cursor was right. */
  runId: string = '';
  /** Unsaved messages may have been lost while it was away. */
  hasGap: boolean = false;
  isGone: boolean = false;
  /** Saved messages were let go of for want of room: history has them. */
  hasOverflowed: boolean = false;
  readonly #owner: SubscriptionOwner;
  #lastDelivered: Position | undefined;
  #former: string | undefined;
  #arrivals: Arrival[] = [];
  #bytes = 0;
  readonly #places = new Places();
  readonly #whenLive: (() => void)[] = [];

  constructor(group: string, channel: string, owner: SubscriptionOwner) {
    this.group = group;
    this.channel = channel;
    this.#owner = owner;
  }

  get waitingCount(): number {
    return this.#arrivals.length;
  }

  /** How many have ever waited for a place. */
  get waited(): number {
    return this.#places.waited;
  }

  pushed(push: MessagePush): void {
    const { items, position, createdMs } = push;
    this.#owner.counters.received += items.length;
    let offset = position?.offset ?? 0;
    for (const item of items) {
      const own =
        item.isSaved && position !== undefined ? { epoch: position.epoch, offset: (offset += 1) - 1 } : undefined;
      const arrival: Arrival = { item, position: own, createdMs };
      if (this.phase === 'live') this.#accept(arrival);
      else this.#keep(arrival);
    }
  }

  /** The subscription at the broker is gone; what waits will be read again. */
  away(): void {
    if (this.phase !== 'away' && this.cursor !== undefined) this.hasGap = true;
    this.phase = 'away';
    this.#dropArrivals();
  }

  end(): void {
    this.isGone = true;
    // Whoever still reads a page of it must not find a hole, and have it filled beside whoever comes next.
    this.phase = 'away';
    this.#dropArrivals();
    this.#places.end();
    for (const run of this.#whenLive.splice(0)) run();
  }

  /** Its first place: everything up to there is old. */
  place(cursor: Position, runId: string): void {
    this.cursor = cursor;
    this.runId = runId;
    this.goOn(this.#arrivals.length);
  }

  /**
   * Everything that history has was delivered: what waited goes on.
   * @param known how many of those that wait came before history was read: what still does not fit then never will
   */
  goOn(known: number): void {
    if (this.hasGap) {
      this.hasGap = false;
      this.tell('connection', false);
    }
    this.phase = 'live';
    this.#places.move(this.cursor);
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    let left = known;
    for (const [index, arrival] of arrivals.entries()) {
      this.#release(arrival);
      left -= 1;
      if (this.#accept(arrival, left >= 0)) continue;
      // A hole again: what comes after it waits on.
      for (const later of arrivals.slice(index + 1)) {
        this.#release(later);
        this.#keep(later);
      }
      return;
    }
    for (const run of this.#whenLive.splice(0)) run();
    if (this.#places.hasOther(this.cursor?.epoch)) this.#lag();
  }

  /**
   * A new epoch, or a place that no history leads to.
   * @param former the epoch before, where its numbers go on in this one
   */
  moveTo(cursor: Position, runId: string, former?: string): void {
    if (former !== undefined) this.#former = former;
    this.#places.move(this.cursor, cursor);
    this.cursor = cursor;
    this.runId = runId;
    this.#places.move(cursor);
  }

  /**
   * History was read, and this is its epoch now.
   * @param waited how many had waited by then: their places in other epochs are over, later ones may be yet to come
   */
  passOver(waited: number): void {
    this.#places.passOver(waited, this.cursor?.epoch);
  }

  /** The numbers of an epoch that was trimmed go on in the next one: up to its end, a place in it is one in both. */
  carryOver(previous: Position, epoch: string): void {
    this.#places.carryOver(previous, epoch);
  }

  /** The next message of history. */
  recovered(entry: Entry, item: Item): void {
    const { cursor } = this;
    if (cursor === undefined || entry.position.offset !== cursor.offset + 1) return;
    this.#releaseBefore(entry.position);
    this.#owner.counters.recovered += 1;
    this.#deliver(item, entry);
  }

  /** History was read in another epoch: what waits of the ones before it is over, and what is not saved among it comes first. */
  leaveBehind(epoch: string): void {
    const isOver = ({ position }: Arrival): boolean =>
      position !== undefined && position.epoch !== epoch && position.epoch !== this.#former;
    const last = this.#arrivals.findLastIndex(isOver);
    for (const arrival of this.#arrivals.splice(0, last + 1)) {
      this.#release(arrival);
      const { item, position } = arrival;
      if (position === undefined) this.#deliver(item, undefined);
      else if (this.#owner.isOwn(item.node)) this.#owner.echoed(item.sequence, 'never');
    }
  }

  /** What is not saved and came before that message was sent before it: it keeps its place. */
  #releaseBefore({ epoch, offset }: Position): void {
    for (;;) {
      const index = this.#arrivals.findIndex(({ position }) => position !== undefined);
      const next = this.#arrivals[index]?.position;
      if (next === undefined || next.offset > offset || (next.epoch !== epoch && next.epoch !== this.#former)) return;
      for (const arrival of this.#arrivals.splice(0, index + 1)) {
        this.#release(arrival);
        if (arrival.position === undefined) this.#deliver(arrival.item, undefined);
      }
    }
  }

  tell(reason: Missed['reason'], saved: boolean): void {
    this.#owner.missed(this.group, { reason, saved, position: this.#lastDelivered });
  }

  /** Runs when everything up to there has been delivered here, or never will be, and before anything newer is. */
  reach(position: Position, run: PlaceRun): void {
    if (this.isGone || this.#hasReached(position)) run(true);
    else this.#places.add(position, run);
  }

  /** Everything that was pushed before that place is here: what is missing must be read. */
  expect(position: Position): void {
    if (this.phase === 'live' && !this.#hasReached(position)) this.#lag();
  }

  /**
   * Its place was compared with the broker's: what is missing is read.
   * @param before where it stood when the broker was asked: a broker that is behind that has forgotten
   */
  compare(position: Position, before: Position | undefined): void {
    const { cursor } = this;
    const hasForgotten = before?.epoch === position.epoch && before.offset > position.offset;
    if (this.phase === 'live' && (hasForgotten || !this.#hasReached(position))) this.#lag();
    else if (this.phase === 'placing') {
      if (cursor?.epoch === position.epoch && cursor.offset === position.offset) this.goOn(0);
      else this.#lag();
    }
  }

  whenLive(run: () => void): void {
    if (this.phase === 'live' || this.isGone) run();
    else this.#whenLive.push(run);
  }

  /** @returns false where it started a recovery, behind which everything waits */
  #accept(arrival: Arrival, isKnown = false): boolean {
    const { position, item } = arrival;
    if (position === undefined) {
      this.#deliver(item, undefined);
      return true;
    }
    const { cursor } = this;
    if (cursor !== undefined && cursor.epoch === position.epoch) {
      if (position.offset <= cursor.offset) {
        this.#owner.counters.duplicates += 1;
        return true;
      }
      if (position.offset === cursor.offset + 1) {
        const { uuid, payload } = item;
        this.#deliver(item, { uuid, created: arrival.createdMs / 1000, payload, position });
        return true;
      }
    }
    if (isKnown) {
      // Of an epoch that is over, or made up: history was read after it came, and has no such thing.
      this.#owner.counters.duplicates += 1;
      if (this.#owner.isOwn(item.node)) this.#owner.echoed(item.sequence, 'never');
      return true;
    }
    this.#keep(arrival);
    this.#lag();
    return false;
  }

  #lag(): void {
    this.#owner.counters.gaps += 1;
    this.phase = 'recovering';
    this.#owner.recover(this);
  }

  #deliver(item: Item, entry: Entry | undefined): void {
    if (entry !== undefined) {
      this.#places.move(this.cursor, entry.position);
      this.cursor = entry.position;
      this.#lastDelivered = entry.position;
    }
    const { except, isSaved, payload } = item;
    const isOwn = this.#owner.isOwn(item.node);
    try {
      const counts = this.#owner.deliver(this.group, { payload, except, save: isSaved }, entry);
      this.#owner.counters.delivered += 1;
      if (isOwn) this.#owner.echoed(item.sequence, counts);
    } catch (failure) {
      // What the app's own code threw is the publisher's to learn, where that is on this node.
      if (isOwn) this.#owner.echoed(item.sequence, { failure });
      else this.#owner.report(failure);
    }
    if (entry !== undefined) this.#places.move(this.cursor);
  }

  #keep(arrival: Arrival): void {
    if (this.#owner.isOverfull()) {
      if (arrival.position === undefined) {
        this.#owner.counters.unsavedLost += 1;
        this.hasGap = true;
      } else this.hasOverflowed = true;
      return;
    }
    const bytes = sizeOf(arrival);
    this.#arrivals.push(arrival);
    this.#bytes += bytes;
    this.#owner.buffered(bytes);
  }

  #release(arrival: Arrival): void {
    const bytes = sizeOf(arrival);
    this.#bytes -= bytes;
    this.#owner.buffered(-bytes);
  }

  #dropArrivals(): void {
    this.#owner.buffered(-this.#bytes);
    this.#bytes = 0;
    this.#arrivals = [];
  }

  #hasReached(position: Position): boolean {
    return hasReached(this.cursor, position);
  }
}

function sizeOf({ item }: Arrival): number {
  const { payload } = item;
  return 128 + (payload.kind === 'bytes' ? payload.bytes.byteLength : payload.text.length * 2);
}
