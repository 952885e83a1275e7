import type { Percentiles } from '../ledger/histogram.ts';
import type { Ledger } from '../ledger/settlement.ts';
import type { ErrorCount, Mark } from '../message.ts';

/** The one document a run leaves. `report` and `compare` need nothing else. Definitions of the counters: docs/load.md. */
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
