import type { Progress, RunReport } from './run-report.ts';
import type { Scenario } from './scenario.ts';

export interface LoadOptions {
  /** In place of the scenario's. */
  target?: string | readonly string[];
  /** Default `'ws'`. */
  client?: 'ws' | 'raw';
  /** Runs the scenario's `app` in this process, on the memory transport and virtual time. */
  inproc?: boolean;
  /** Ends the run early: it drains, and reports what it has. */
  signal?: AbortSignal;
  /** About once a second. */
  onProgress?: (progress: Progress) => void;
  /** In place of the scenario's keys: what the command line's flags say. */
  overrides?: ScenarioOverrides;
  /** Generator processes for a path or URL; left out: by clients, cores and descriptors. */
  processes?: number;
  /** Source addresses to connect from; left out: 127.x.y.z towards a loopback target, one per 100 clients, else the system's choice. */
  localAddresses?: readonly string[];
  /** Paths of the server's HTTP side to load meanwhile with autocannon, an optional peer. */
  http?: HttpLoad;
}

/** Plain data, since it goes to other processes. */
export type ScenarioOverrides = {
  -readonly [
    Key in
      | 'name'
      | 'seed'
      | 'clients'
      | 'duration'
      | 'rooms'
      | 'speakers'
      | 'schedule'
      | 'chaos'
      | 'thresholds'
      | 'warmup'
      | 'deadline'
  ]?: Scenario[Key];
} & { adapter?: 'chat' | 'echo' | 'json' };

export interface HttpLoad {
  /** `/health`, or a whole `http://…` address. */
  readonly url: string;
  /** Default 4. */
  readonly connections?: number;
  /** Requests a second of all connections together; default 100. */
  readonly perSecond?: number;
}

/**
 * Runs a load and accounts for every delivery. A path or URL of a scenario runs in child processes, each importing it; an
 * object runs in this process as one generator; a `ws://…` address is loaded with the defaults and the echo adapter.
 * @throws {ScenarioError} before the first connection
 * @throws {TargetError} `CHANNELBOX_TARGET_UNREACHABLE` when nothing answers there
 */
export function load(_scenario: Scenario | URL | string, _options: LoadOptions = {}): Promise<RunReport> {
  throw new Error('being built');
}
