import type { PlainSenderLog } from './ledger/sender-log.ts';
import type { PlainError } from './plain-error.ts';
import type { Violation } from './ledger/settlement.ts';

/**
 * A coordinator and its generators tell one another these messages. All plain, since it may cross to another process.
 */
export type ToGenerator =
  /** `endUs` is Infinity while the clients of a plain number connect. */
  | { readonly type: 'start'; readonly startUs: number; readonly endUs: number }
  | { readonly type: 'endAt'; readonly endUs: number }
  /** Of the speakers of rooms that several generators share; and when the last message of all left. */
  | { readonly type: 'logs'; readonly logs: readonly SharedLog[]; readonly lastSendUs: number }
  | { readonly type: 'close' };

export type FromGenerator =
  | ({ readonly type: 'tick' } & Tick)
  /** Every planned connect has been answered, and every join too as far as it is going to be. */
  | { readonly type: 'connected'; readonly opened: number }
  /** Every `client` function has ended. */
  | { readonly type: 'scripted' }
  | { readonly type: 'spoken'; readonly logs: readonly SharedLog[]; readonly lastSendUs: number }
  /** All that was due has come, or its time is over. */
  | { readonly type: 'settled' }
  | { readonly type: 'result'; readonly result: GeneratorResult }
  /** A line of the conversation of a client that is traced. */
  | { readonly type: 'trace'; readonly line: string }
  | { readonly type: 'failed'; readonly error: PlainError };

/** A generator, wherever it runs. */
export interface GeneratorPort {
  send(message: ToGenerator): void;
}

/** Who is told what the generators say, each by its number. */
export interface GeneratorListener {
  receive(index: number, message: FromGenerator): void;
  /** It is gone before its result. */
  lost(index: number, why: string): void;
}

export type LatencyName = 'connect' | 'fanout' | 'fanoutFromSend' | 'echo' | 'prepare' | 'lateness';

/** What belongs to one stage of the plan, or to one target. */
export interface PlainSlice {
  readonly published: number;
  readonly received: number;
  readonly lost: number;
  readonly fanout: Float64Array;
  readonly connect: Float64Array;
}

export interface SharedLog {
  readonly sender: number;
  readonly log: PlainSenderLog;
}

/** What happened in one second, by the generator's clock; counts are of that second, `connected` and `missing` of its end. */
export interface Tick {
  readonly second: number;
  readonly connected: number;
  readonly missing: number;
  readonly counts: TickCounts;
  readonly connect: Float64Array;
  readonly fanout: Float64Array;
  readonly fanoutFromSend: Float64Array;
  readonly echo: Float64Array;
  readonly prepare: Float64Array;
  readonly lateness: Float64Array;
  readonly health: Readonly<Record<string, number>>;
}

export interface TickCounts {
  intended: number;
  opened: number;
  refused: number;
  dropped: number;
  reconnected: number;
  intendedPublishes: number;
  published: number;
  delivered: number;
  duplicated: number;
  misrouted: number;
  corrupt: number;
}

export interface GeneratorResult {
  readonly counts: TickCounts;
  readonly settled: {
    readonly expected: number;
    readonly received: number;
    readonly lost: number;
    readonly reordered: number;
    readonly late: number;
    readonly indeterminate: number;
  };
  readonly lostByRoom: readonly (readonly [room: number, lost: number])[];
  readonly violations: readonly Violation[];
  readonly histograms: Readonly<Record<LatencyName, Float64Array>>;
  readonly fanoutByBucket: readonly (readonly [bucket: number, cells: Float64Array])[];
  /** Of sampled messages: key, intended, last arrival, in turn. */
  readonly lastReceivers: Float64Array;
  readonly openedUs: Float64Array;
  readonly closedUs: Float64Array;
  /** By close code; `chaos` where our own chaos ended it, `unanswered` where the server did not answer our close. */
  readonly closes: readonly (readonly [code: string, count: number])[];
  /** Of those only that the server or the network closed unasked, and that are not back. */
  readonly drops: readonly (readonly [code: number, count: number])[];
  /** Clients that were not let in, by the kind of the error that counted. */
  readonly refusals: readonly (readonly [kind: string, count: number])[];
  /** Frames that were no delivery, by kind; and the first of them. */
  readonly frames: readonly (readonly [kind: string, count: number])[];
  readonly firstFrames: readonly string[];
  readonly stages: readonly PlainSlice[];
  readonly targets: readonly PlainSlice[];
  /** How long each client that was dropped or cut off was away, of those that are back; and of those that are not, so far. */
  readonly absencesMs: Float64Array;
  readonly awayMs: Float64Array;
  readonly errors: readonly ErrorCount[];
  readonly marks: readonly Mark[];
  readonly joined: number;
  readonly scriptFailures: number;
  readonly health: Readonly<Record<string, number>>;
}

/** Errors of one kind. */
export interface ErrorCount {
  readonly kind: string;
  readonly count: number;
  readonly sample: string;
}

/** Something that happened at one moment of the run. */
export interface Mark {
  readonly atMs: number;
  readonly what: string;
}

/** How far a run has come. */
export interface Progress {
  readonly elapsedMs: number;
  readonly connected: number;
  readonly published: number;
  readonly delivered: number;
  /** Clients that were not let in, or were closed unasked, so far. */
  readonly refused?: number;
  readonly dropped?: number;
  /** So far, as far as it can be told while messages are on their way: gaps in what receivers have. */
  readonly lost: number;
}

export function noCounts(): TickCounts {
  return {
    intended: 0,
    opened: 0,
    refused: 0,
    dropped: 0,
    reconnected: 0,
    intendedPublishes: 0,
    published: 0,
    delivered: 0,
    duplicated: 0,
    misrouted: 0,
    corrupt: 0,
  };
}
