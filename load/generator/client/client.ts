import type { ClientPlace } from '../../scenario/adapter/adapter.ts';
import type { Presence, PresenceSegment } from '../../ledger/settlement.ts';
import type { DialedConnection, ConnectionOwner, ReceivedMessage } from '../connection/connection.ts';
import type { ClientTrace } from '../measure/trace.ts';

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
 * One client of the plan has its place, and its connection at present. A client that is replaced, or comes back,
 * begins anew: a new connection, a new presence. Where the protocol gives back what was missed, one that was dropped
 * goes on in the presence it had.
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
  /** What the scenario's `prepare` gave it. */
  prepared: unknown;
  isPrepared: boolean = false;
  attemptUs: number = 0;
  openedUs: number = 0;
  /** Since the join. */
  deliveries: number = 0;
  isSlow: boolean = false;
  /** It was slowed down, so a server that has had enough of it closes it with good reason. */
  wasSlow: boolean = false;
  /** It comes back after the close. */
  returns: 'replaced' | 'storm' | 'dropped' | undefined;
  /** It was to leave before it was there. */
  isUnwanted: boolean = false;
  /** Our own chaos ended its connection. */
  isCut: boolean = false;
  /** It is to go on where it was dropped, by the adapter's `resume`. */
  isResuming: boolean = false;
  /** The newest frame that was a delivery or the answer to its join; kept for `resume` alone. */
  lastFrame: string | Uint8Array | undefined;
  /** What `resume` has it say once open, in place of the frames of its join. */
  firstFrames: readonly (string | Uint8Array)[] | undefined;
  waiters: DeliveryWaiter[] | undefined;
  trace: ClientTrace | undefined;
  /** Why its connect is being given up, in place of what the connection will say. */
  gaveUp: { readonly kind: string; readonly message: string } | undefined;
  #presentFromUs: number = 0;
  #hasPresence: boolean = false;
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
    this.isSlow = false;
    this.wasSlow = false;
    this.isUnwanted = false;
    this.isCut = false;
    this.gaveUp = undefined;
    if (this.isResuming) return;
    this.deliveries = 0;
    this.lastFrame = undefined;
    this.#presentFromUs = nowUs;
    this.#hasPresence = false;
    this.#joinedUs = Infinity;
    this.#leftUs = Infinity;
    this.#closedUs = Infinity;
    this.#cuts = undefined;
  }

  /** The upgrade was answered. */
  open(nowUs: number): void {
    this.state = 'open';
    this.openedUs = nowUs;
    this.#hasPresence = true;
  }

  /** The join is acknowledged. */
  join(nowUs: number): void {
    this.state = 'joined';
    if (this.isResuming) {
      this.isResuming = false;
      this.#leftUs = Infinity;
      this.#closedUs = Infinity;
      return;
    }
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

  /** It was away until now: what was sent meanwhile is nobody's to judge. */
  awayUntil(nowUs: number): void {
    this.#closedUs = nowUs;
  }

  get isPresent(): boolean {
    return this.state === 'open' || this.state === 'joined' || this.state === 'leaving';
  }

  /** False for one that was never open since it began. */
  get hasPresence(): boolean {
    return this.#hasPresence;
  }

  get presence(): Presence {
    const segments = [...(this.#cuts ?? [])];
    if (this.#joinedUs !== Infinity) segments.push({ fromUs: this.#joinedUs, untilUs: this.#leftUs });
    return { attemptUs: this.#presentFromUs, segments, closedUs: this.#closedUs };
  }

  send(data: string | Uint8Array): void {
    this.trace?.sent(data);
    this.connection?.send(data);
  }

  // What the connection tells.

  opened(): void {
    this.trace?.say('opened');
    this.#events.opened(this);
  }

  frame(message: ReceivedMessage): void {
    this.trace?.received(message);
    this.#events.frame(this, message);
  }

  closed(code: number): void {
    this.trace?.say(`closed with ${code}`);
    this.#events.closed(this, code);
  }

  refused(kind: string, message: string): void {
    const { kind: name, message: why } = this.gaveUp ?? { kind, message };
    this.trace?.say(`refused: ${why}`);
    this.#events.refused(this, name, why);
  }
}
