/** A simulation comes to a report, with the failure, and the case that repeats it. */
import type { SimEvent } from './event.ts';
import type { Fault } from './system.ts';

/** What came of a simulation. */
export interface SimReport {
  /** No failure, nothing unmet, nothing vacuous. */
  readonly ok: boolean;
  readonly seed: number;
  readonly runs: number;
  /** Of all that happened, in order: the same for the same seed, on every machine, process and Node version. */
  readonly hash: string;
  readonly failure: SimFailure | undefined;
  /** Names of `sometimes` that were never true. */
  readonly unmet: readonly string[];
  /** Checkers that never had anything to check. */
  readonly vacuous: readonly string[];
  readonly leaks: readonly { readonly what: string; readonly stack: string; readonly count: number }[];
  readonly events: number;
  readonly deliveries: number;
  readonly virtualMs: number;
  readonly ms: number;
  /** Of an exhaustive search: how many schedules it ran, and how many different histories they made. */
  readonly explored?: { readonly schedules: number; readonly histories: number };
  /** A file that fails for the same reason, and passes once the app is right. */
  toTest(options: {
    /** Specifier of the module whose default export is the simulation. */
    simulation: string;
    runner?: 'vitest' | 'node';
  }): string;
  /** Seed, failure, the steps left, the delays that matter, the witness, and how to run it again. */
  toString(): string;
  /** Itself, where it is ok; else throws {@link SimulationError} with `toString()`. */
  unwrap(): this;
}

/** What did not hold, and the case that repeats it. */
export interface SimFailure {
  readonly kind: 'error' | 'always' | 'converge' | 'checker' | 'leftover' | 'leak' | 'endless' | 'nondeterminism';
  /** With `kind` what «the same reason» means. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly witness: readonly SimEvent[];
  readonly run: number;
  readonly runSeed: number;
  readonly steps: readonly SimStep[];
  readonly case: SimCase;
  /** How the case became as small as it is; left out where nothing was shrunk. */
  readonly shrunk?: { readonly tries: number; readonly ms: number; readonly isComplete: boolean };
}

/** All that a run depends on besides the app. Written to be read and changed by hand. */
export interface SimCase {
  readonly seed: number;
  readonly steps: readonly SimStep[];
  /** Delays and orders that are not 0, by what set them off: `{ 'io moderation 27': 1 }`. */
  readonly draws?: Readonly<Record<string, number>>;
  /** When faults end and all heals. */
  readonly durationMs?: number;
  readonly config?: SimConfig;
}

/** One step of a case: what a client did, or what befell it. */
export type SimStep = { readonly id: number; readonly at: number } & (
  | {
      readonly client: string;
      readonly op: 'connect' | 'send' | 'close' | 'drop' | 'pause' | 'resume';
      readonly args: readonly unknown[];
    }
  | { readonly client: string; readonly action: string; readonly draws?: Readonly<Record<string, number>> }
  | { readonly fault: Fault; readonly client?: string; readonly node?: string; readonly ms: number }
);

/** What the network of a run is like; left out: 1 ms each way, 64 KiB, one frame a read, accepts at once, a layer of 1 ms. */
export interface SimConfig {
  readonly latencyMs?: number;
  readonly windowBytes?: number;
  /** Frames that arrive at one instant come in one read. */
  readonly chunks?: boolean;
  readonly acceptsNow?: boolean;
  readonly layerMs?: number;
}

/** A case, or a simulation, did not hold; `unwrap` and `replay` throw it. */
export class SimulationError extends Error {
  override readonly name: string = 'SimulationError';
  readonly code: string = 'CHANNELBOX_SIMULATION';
  readonly failure: SimFailure;

  constructor(failure: SimFailure, message: string = `${failure.kind} ${failure.name}: ${failure.message}`) {
    super(message);
    this.failure = failure;
  }
}
