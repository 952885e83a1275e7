import type { ClientPlace } from '../../scenario/adapter/adapter.ts';
import type { Presence, PresenceSegment } from '../../ledger/settlement.ts';
import type { DialedConnection, ConnectionOwner, ReceivedMessage } from '../connection/connection.ts';

/** Who is told what a client's connection does. */
export interface ClientEvents {
  opened(client: Client): void;
  frame(client: Client, message: ReceivedMessage): void;
  closed(client: Client, code: number): void;
  refused(client: Client, kind: string, message: string): void;
}

/** What a `client` function waits for. */
export interface DeliveryWaiter {
  readonly count: number;
  resolve(): void;
}

/**
 * One client of the plan: its place, and its connection at present. A client that is replaced, or comes back after a
 * storm, begins anew: a new connection, a new presence.
 */
export class Client implements ConnectionOwner, ClientPlace {
  readonly index: number;
  readonly room: string;
  readonly roomIndex: number;
  /** Where its pairs begin in the ledger, and which size of room it is in. */
  readonly pairBase: number;
  readonly bucket: number;
  state: 'idle' | 'connecting' | 'open' | 'joined' | 'leaving' | 'closed' = 'idle';
  connection: DialedConnection | undefined;
  attemptUs: number = 0;
  openedUs: number = 0;
  /** Since the join. */
  deliveries: number = 0;
  isSlow: boolean = false;
  /** It was slowed down, so a server that has had enough of it closes it with good reason. */
  wasSlow: boolean = false;
  /** It comes back after the close. */
  returns: 'replaced' | 'storm' | undefined;
  /** It was to leave before it was there. */
  isUnwanted: boolean = false;
  waiters: DeliveryWaiter[] | undefined;
  #joinedUs: number = Infinity;
  #leftUs: number = Infinity;
  #closedUs: number = Infinity;
  #cuts: PresenceSegment[] | undefined;
  readonly #events: ClientEvents;

  constructor(events: ClientEvents, place: ClientPlace & { roomIndex: number; pairBase: number; bucket: number }) {
    this.#events = events;
    this.index = place.index;
    this.room = place.room;
    this.roomIndex = place.roomIndex;
    this.pairBase = place.pairBase;
    this.bucket = place.bucket;
  }

  begin(nowUs: number): void {
    this.state = 'connecting';
    this.attemptUs = nowUs;
    this.deliveries = 0;
    this.isSlow = false;
    this.wasSlow = false;
    this.isUnwanted = false;
    this.#joinedUs = Infinity;
    this.#leftUs = Infinity;
    this.#closedUs = Infinity;
    this.#cuts = undefined;
  }

  /** The join is acknowledged. */
  join(nowUs: number): void {
    this.state = 'joined';
    if (this.isSlow) return;
    this.#joinedUs = nowUs;
  }

  /** Begins to leave; only the first time counts. False when it was leaving already. */
  leave(nowUs: number): boolean {
    if (this.#leftUs !== Infinity) return false;
    this.#leftUs = nowUs;
    return true;
  }

  /** Under chaos from now on: nothing is expected of it until it is over. */
  cut(nowUs: number): void {
    this.isSlow = true;
    this.wasSlow = true;
    if (this.#joinedUs === Infinity) return;
    this.#cuts ??= [];
    this.#cuts.push({ fromUs: this.#joinedUs, untilUs: nowUs });
    this.#joinedUs = Infinity;
  }

  uncut(nowUs: number): void {
    this.isSlow = false;
    if (this.state === 'joined') this.#joinedUs = nowUs;
  }

  end(nowUs: number): void {
    this.state = 'closed';
    this.leave(nowUs);
    this.#closedUs = nowUs;
  }

  get isPresent(): boolean {
    return this.state === 'open' || this.state === 'joined' || this.state === 'leaving';
  }

  /** False for one that was never open since it began. */
  get hasPresence(): boolean {
    return this.state !== 'idle' && this.state !== 'connecting' && this.openedUs >= this.attemptUs;
  }

  get presence(): Presence {
    const segments = [...(this.#cuts ?? [])];
    if (this.#joinedUs !== Infinity) segments.push({ fromUs: this.#joinedUs, untilUs: this.#leftUs });
    return { attemptUs: this.attemptUs, segments, closedUs: this.#closedUs };
  }

  // What the connection tells.

  opened(): void {
    this.#events.opened(this);
  }

  frame(message: ReceivedMessage): void {
    this.#events.frame(this, message);
  }

  closed(code: number): void {
    this.#events.closed(this, code);
  }

  refused(kind: string, message: string): void {
    this.#events.refused(this, kind, message);
  }
}
