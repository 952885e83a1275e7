import type { RedisLayerOptions } from 'channelbox/redis';
import type { Findings } from './books.ts';

/** Safeguards of the layer that a run goes without, to see that its books show it. */
export type Without = 'fence' | 'probe' | 'verification' | 'cursor';

/** What one process of a run is told when it is started. */
export interface NodeJob {
  readonly layer: RedisLayerOptions;
  readonly countMax: number;
  /** As it would be after the next release: items go on after what this version knows. */
  readonly isNewer: boolean;
  readonly without: Without | undefined;
}

/** One run: three processes on one Redis, what befalls them, and how much has to be said meanwhile. */
export interface RunJob {
  readonly program: string;
  /** What a process of the service runs. */
  readonly node: string;
  /** Folder for what those receivers heard of whom something is wrong. */
  readonly logs: string;
  /** Of `processFaults`, one after another. */
  readonly faults: readonly string[];
  readonly seed: number;
  /** Acknowledged messages, at least. */
  readonly ackedMin: number;
  readonly receivers: number;
  readonly rooms: number;
  readonly layer: RedisLayerOptions;
  readonly countMax?: number;
  readonly without?: Without;
  /** Of 20 ms, how often somebody moves to another process; default 0.1. */
  readonly hopShare?: number;
  /** How directions are cut: in a network namespace of the run, or by a proxy for each process. */
  readonly network: 'nft' | 'proxy';
}

export interface RunResult {
  readonly findings: Findings;
  /** Of each fault, in the order in which they were done: how often it happened, counted where it happens. */
  readonly proofs: readonly number[];
  readonly codes: Readonly<Record<string, number>>;
  /** Of what should not be, a few. */
  readonly examples: readonly string[];
  /** Times at which the books were opened and closed, apart. */
  readonly tookMs: number;
}
