/** The one document a run leaves. `report` and `compare` need nothing else. Definitions of the counters: DESIGN.md §5. */
export type RunReport = Passed | Failed | Invalid;

/** A run in which all held. */
export interface Passed extends Measured {
  readonly verdict: 'pass';
}
/** A run in which something that must hold did not. */
export interface Failed extends Measured {
  readonly verdict: 'fail';
  readonly reasons: readonly string[];
}
/** The run proves nothing: the generator, not the server, was the limit, or there was nothing to judge. */
export interface Invalid extends Measured {
  readonly verdict: 'invalid';
  readonly reasons: readonly string[];
}

/** What was measured, whatever the verdict. */
export interface Measured {
  readonly schema: 1;
  readonly scenario: string;
  readonly seed: number;
  readonly environment: Readonly<Record<string, string | number>>;
  /** `intended = connected + refused`; `dropped`: closed by server or network, unasked and outside chaos. */
  readonly clients: ClientCounts;
  readonly ledger: Ledger;
  /** `fanout` from the intended send time, `fanoutFromSend` from the actual one. */
  readonly latency: Latencies;
  /** By close code; 1006 where the connection ended without one. */
  readonly closes: Readonly<Record<string, number>>;
  readonly errors: readonly ErrorCount[];
  readonly thresholds: readonly ThresholdResult[];
  /** Health of the generators: the worst of them where there are several. */
  readonly generator: Readonly<Record<string, number>>;
  /** One row a second; times in milliseconds. */
  readonly series: readonly Readonly<Record<string, number>>[];
  /** By size of the room, in buckets: `size` is the smallest of its bucket. */
  readonly rooms: readonly RoomBucket[];
  readonly marks: readonly Mark[];
  /** HDR V2, compressed, base64: what `report` and `compare` read. */
  readonly histograms: Readonly<Record<string, string>>;
  readonly rounds?: readonly Readonly<Record<string, number>>[];
}

/** How many clients there were, and what became of them. */
export interface ClientCounts {
  readonly intended: number;
  readonly connected: number;
  readonly refused: number;
  readonly dropped: number;
  readonly peak: number;
}

/** How long it took, by what was measured. */
export interface Latencies {
  readonly connect: Percentiles;
  readonly fanout: Percentiles;
  readonly fanoutFromSend: Percentiles;
  readonly lastReceiver: Percentiles;
  readonly echo?: Percentiles;
}

/** Errors of one kind. */
export interface ErrorCount {
  readonly kind: string;
  readonly count: number;
  readonly sample: string;
}

/** A threshold, and what was seen. */
export interface ThresholdResult {
  readonly expression: string;
  readonly observed: number;
  readonly passed: boolean;
}

/** Rooms of about one size. */
export interface RoomBucket {
  readonly size: number;
  readonly rooms: number;
  readonly fanout: Percentiles;
  readonly lost: number;
}

/** Something that happened at one moment of the run. */
export interface Mark {
  readonly atMs: number;
  readonly what: string;
}

/** Deliveries, each one message at one receiver; `expected = received + lost`. Definitions: DESIGN.md §5. */
export interface Ledger {
  readonly published: number;
  readonly expected: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly misrouted: number;
  readonly corrupt: number;
  readonly late: number;
  readonly indeterminate: number;
  readonly firstViolations: readonly Violation[];
}

/** `room` is the message's; of a stamp that cannot be read, the receiver's, with sender and sequence -1. */
export interface Violation {
  readonly kind: string;
  readonly room: string;
  readonly sender: number;
  readonly sequence: number;
  readonly receiver: number;
}

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What a run is meant to be, known once its scenario is. */
export interface RunPlan {
  /** Most clients at one moment. */
  readonly clients: number;
  /** How long it lasts, without the time to connect a plain number of clients and the deadline at its end. */
  readonly plannedMs: number;
}

/** How far a run has come. */
export interface Progress {
  readonly elapsedMs: number;
  readonly connected: number;
  readonly published: number;
  readonly delivered: number;
  /** So far, as far as it can be told while messages are on their way: gaps in what receivers have. */
  readonly lost: number;
}
