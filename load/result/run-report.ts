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
  /**
   * `intended = connected + refused`, connections that came in the place of others included; `dropped`: closed by server or
   * network, unasked and outside chaos, and not back; `reconnected`: of the connected, those that came back.
   */
  readonly clients: ClientCounts;
  readonly ledger: Ledger;
  /** `fanout` from the intended send time, `fanoutFromSend` from the actual one. */
  readonly latency: Latencies;
  /**
   * By close code; 1006 where the connection ended without one, `chaos` where our own chaos ended it, `unanswered` where the
   * server did not answer our close. They add up to `clients.connected`.
   */
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
  /** One for each stage of the plan, by the time of the send or of the connect; and one for each target. */
  readonly stages: readonly Slice[];
  readonly targets: readonly Slice[];
  /** Frames that were no delivery, by `kindOf`, else `other`. */
  readonly frames: Readonly<Record<string, number>>;
  /** Milliseconds until a share of those that were dropped or cut off was back; who is not back counts as away to the end. */
  readonly reconnects?: {
    readonly clients: number;
    readonly p50: number;
    readonly p95: number;
    readonly all: number | undefined;
  };
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
  readonly reconnected: number;
  readonly peak: number;
}

/** What belongs to one stage of the plan, or to one target. */
export interface Slice {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly published: number;
  readonly received: number;
  readonly lost: number;
  readonly fanout: Percentiles;
  readonly connect: Percentiles;
}

/** How long it took, by what was measured. */
export interface Latencies {
  readonly connect: Percentiles;
  readonly fanout: Percentiles;
  readonly fanoutFromSend: Percentiles;
  readonly lastReceiver: Percentiles;
  readonly echo?: Percentiles;
  readonly prepare?: Percentiles;
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
