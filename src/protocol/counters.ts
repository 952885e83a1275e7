/** Why a handshake was not answered with 101. Counted one by one, and logged. */
export const refusalReasons = [
  'route',
  'origin',
  'host',
  'limit',
  'draining',
  'handler',
  'middleware',
  'returned',
  'threw',
  'timeout',
  'left',
  'bad-handshake',
] as const;

/** Why a handshake was not answered with 101, in one word. */
export type RefusalReason = (typeof refusalReasons)[number];

/** What an app has counted since it was made: all there from the first look, and only growing. */
export interface Counters {
  /** Handshakes answered with 101. */
  readonly accepted: number;
  /** Handshakes answered otherwise, or left, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>;
  /** Accepted sockets that have ended, by the code that everyone learnt; a code is there once it has occurred. */
  readonly closed: Readonly<Record<number, number>>;
  /** Data frames that peers sent, finished ones. */
  readonly messagesIn: number;
  /** Data frames that were handed to sockets; a fan-out counts once a member. */
  readonly messagesOut: number;
  /** Payload bytes of `messagesIn`. */
  readonly bytesIn: number;
  /** Payload bytes of `messagesOut`. */
  readonly bytesOut: number;
  /** Messages that a member of a group did not get, because it reads too slowly. */
  readonly dropped: number;
  /** What the app's own code threw, and calls that failed with nobody to look. */
  readonly errors: number;
  /** Frames of the wrong type, that could not be read, or that a schema refused. */
  readonly invalidFrames: number;
  /** Sockets that ended because their peer broke RFC 6455 (1002, 1007). */
  readonly protocolErrors: number;
  /** Pings and pongs that peers sent. */
  readonly controlFrames: number;
  /** Channels whose time without data was up. */
  readonly expired: number;
  /** Times that a slow reader was closed, or lost a message. */
  readonly slowConsumers: number;
  /** Peers that gave no sign of life when they were asked for one. */
  readonly heartbeatTimeouts: number;
  /** Frames made: once a publish, whatever the members. */
  readonly framings: number;
  /** The same deflated. */
  readonly deflates: number;
  /** Writes handed to sockets for data frames. */
  readonly writes: number;
  /** Times that the app's logger threw or rejected. */
  readonly logFailures: number;
}

type Count = { -readonly [Name in keyof Counters as Counters[Name] extends number ? Name : never]: number };

const nobodyRefused = Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Record<RefusalReason, number>;

/** The counters of one app while they grow. */
export class Tally implements Omit<Count, 'framings' | 'deflates' | 'writes'> {
  accepted = 0;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  dropped = 0;
  errors = 0;
  invalidFrames = 0;
  protocolErrors = 0;
  controlFrames = 0;
  expired = 0;
  slowConsumers = 0;
  heartbeatTimeouts = 0;
  logFailures = 0;
  readonly refused: Record<RefusalReason, number> = { ...nobodyRefused };
  readonly closed: Record<number, number> = {};

  /** An accepted socket has ended. */
  end(code: number): void {
    this.closed[code] = (this.closed[code] ?? 0) + 1;
  }

  /** As it stands, with what the transport counts. */
  snapshot(ofTransport: Pick<Counters, 'framings' | 'deflates' | 'writes'>): Counters {
    const { framings, deflates, writes } = ofTransport;
    // Assigned, not spread: a literal that names a field a second time makes a hidden class each time.
    return Object.assign({}, this as Omit<Tally, 'end' | 'snapshot'>, {
      refused: { ...this.refused },
      closed: { ...this.closed },
      framings,
      deflates,
      writes,
    });
  }
}
