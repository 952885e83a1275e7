/** A simulation is written by its author as the system, what clients do to it, and what must hold. */
import type { ConnectTo, Draw, SimClient, SimClientEvent } from './client.ts';
import type { Checker, SimView } from './event.ts';
import type { Fault, SimEnv, System } from './system.ts';

/** `system` is written first: what the others see of it is inferred from there. */
// oxlint-disable-next-line no-explicit-any -- a list of simulations may hold any
export interface Simulation<S extends System = any> {
  /** Builds one node, with all its state: called for every run, every node, and again after each crash. What it returns is `view.system`. */
  system(env: SimEnv): S;
  /** Where a client that is not connected goes, and with what; undefined: not now. Default '/'. */
  connect?: (c: SimClient, g: Draw) => string | ConnectTo | undefined;
  /** What an open client may do, with its weight among the others (1). Closing and dropping come by themselves: `churn`. */
  actions: Readonly<Record<string, Action | readonly [weight: number, run: Action]>>;
  /** A client's own answer to what reaches it: to keep a position, to acknowledge. Synchronous; part of the client, so it runs in replays too. */
  react?: (c: SimClient, event: SimClientEvent) => void;
  /** App nodes behind one simulated layer, 1; each takes `env.layer`. */
  nodes?: number;
  /** At most so many a run, 4; each run draws its own number, small ones more often. */
  clients?: number;
  /** At most so many steps (actions and faults) a run, 80. */
  steps?: number;
  /** Share of actions that end a connection, 0.25; half of them by a close frame, half without. */
  churn?: number;
  /** Default 'swarm': each run draws which kinds it has, and how often. */
  faults?: 'none' | 'swarm' | readonly Fault[];
  /** After every event that reached the app. False or a text: it does not hold. */
  always?: Conditions<S>;
  /** Once all has healed and come to rest. */
  converge?: Conditions<S>;
  /** Must be true at the end of at least one run, else the report is not ok: it proves that runs get there. */
  sometimes?: Conditions<S>;
  checkers?: readonly Checker[];
  /** Errors of handlers that are meant to happen; any other is a failure. A `LayerError` that a fault of the layer caused is none. */
  allowErrors?: (error: unknown) => boolean;
  /** Chance and time that do not come from `env`: 'fail' (default), or 'virtual': served from the seed and virtual time, and listed. */
  leaks?: 'fail' | 'virtual';
  /** Handlers, memberships or timers that outlive their connection: 'fail' (default). */
  leftovers?: 'fail' | 'ignore';
  /** Virtual time after healing for everything to converge, 61 111 ms: beyond heartbeat, close timeout and the longest expiry that matters. */
  settleMs?: number;
}

/** How a simulation is run. */
export interface SimulateOptions {
  /** Default: `CHANNELBOX_SEED`, else drawn; every report prints it. */
  seed?: number;
  /** Default 100. */
  runs?: number;
  /** Real time for all runs; shrinking has its own. */
  budgetMs?: number;
  /** False: the failure is handed back as it was found. Default: at most 600 tries and 15 s. */
  shrink?: false | { triesMax?: number; timeMs?: number };
  /** Every interleaving of the first `steps` up to `choicesMax` delays a run; the report says how many there were. */
  explore?: 'random' | { readonly exhaustive: { readonly steps: number; readonly choicesMax: number } };
  /** Ends it after the run that is under way; the report has what there was until then. */
  signal?: AbortSignal;
  /** Told after each run, and after each try of the shrinking. */
  onProgress?: (progress: SimProgress) => void;
}

/** How far a simulation has come. */
export interface SimProgress {
  readonly phase: 'run' | 'shrink';
  /** Runs, or tries of the shrinking. */
  readonly count: number;
  readonly events: number;
  readonly deliveries: number;
  /** Steps of the smallest case, while shrinking. */
  readonly steps?: number;
}

/** What one step may do with a client, by choices of its own. */
export type Action = (c: SimClient, g: Draw) => unknown;
/** What must hold, by name: true or nothing where it does; false, or why not, where it does not. */
export type Conditions<S extends System> = Readonly<Record<string, (view: SimView<S>) => boolean | string | void>>;

/** The same object, its types inferred: what a module exports for `replay`, for emitted tests and for `npx channelbox simulate`. */
export function defineSimulation<S extends System>(simulation: Simulation<S>): Simulation<S> {
  return simulation;
}
