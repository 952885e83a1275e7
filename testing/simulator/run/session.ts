import type { SimCase } from '../api/report.ts';
import type { Simulation } from '../api/simulation.ts';
import { Digest } from '../tape/seed.ts';
import type { World } from '../world/world.ts';
import { firstDifference } from './difference.ts';
import { runOnce, type RunOutcome } from './run.ts';
import type { FoundFailure } from './stage.ts';

/** Who watches the globals while a run is under way. */
export interface RunGuard {
  watch(world: World): void;
  /** What the run that is over read that was not its own. */
  takeLeak(): FoundFailure | undefined;
  readonly isStrict: boolean;
}

/** All runs of one simulation, and what they came to together. */
export class Session {
  readonly simulation: Simulation;
  runs: number = 0;
  events: number = 0;
  deliveries: number = 0;
  virtualMs: number = 0;
  explored: { schedules: number; histories: number } | undefined = undefined;
  readonly #guard: RunGuard;
  readonly #digest = new Digest();
  readonly #checked = new Map<string, number>();
  readonly #met = new Set<string>();

  constructor(simulation: Simulation, guard: RunGuard) {
    this.simulation = simulation;
    this.#guard = guard;
  }

  /** A run that its seed makes up; of a first look only what it came to counts. */
  draw(runSeed: number, isFirstLook = false): Promise<RunOutcome> {
    return this.#run({ simulation: this.simulation, runSeed, isFirstLook });
  }

  /** A run that was written down. */
  play(simCase: SimCase, isListing = false): Promise<RunOutcome> {
    return this.#run({ simulation: this.simulation, runSeed: simCase.seed, simCase, isListing });
  }

  /** A small run of another seed, with the actions and faults that are left in a case and no others. */
  drawSmall(runSeed: number, at: number, of: RunOutcome): Promise<RunOutcome> {
    const { steps } = of.simCase;
    const names = new Set(steps.flatMap((step) => ('action' in step ? [step.action] : [])));
    const faults = new Set(steps.flatMap((step) => ('fault' in step ? [step.fault] : [])));
    const { actions } = this.simulation;
    const left = Object.fromEntries(Object.entries(actions).filter(([name]) => names.has(name)));
    const clients = new Set(steps.flatMap((step) => ('client' in step ? [step.client] : []))).size;
    const simulation: Simulation = {
      ...this.simulation,
      actions: names.size === 0 ? actions : left,
      faults: faults.size === 0 ? 'none' : [...faults],
      steps: 12,
      clients: Math.max(1, clients),
    };
    return this.#run({ simulation, runSeed: (runSeed * 1_000 + at + 1) % Number.MAX_SAFE_INTEGER });
  }

  /** The first steps of a run without any delay: what an exhaustive search starts from. */
  drawPlain(runSeed: number, steps: number): Promise<RunOutcome> {
    return this.#run({ simulation: { ...this.simulation, steps, faults: 'none' }, runSeed, isPlain: true });
  }

  /** Runs it a second time, with all that a first look leaves out: what differs does not come from the seed. */
  async confirm(runSeed: number, first: RunOutcome): Promise<RunOutcome> {
    const second = await this.draw(runSeed);
    const isSame =
      second.hash === first.hash &&
      second.failure?.kind === first.failure?.kind &&
      second.failure?.name === first.failure?.name;
    if (isSame) return second;
    const { message, witness } = firstDifference(first.view.history, second.view.history);
    return { ...second, failure: { kind: 'nondeterminism', name: 'nondeterminism', message, witness } };
  }

  /** Adds a run to what the report says of all. */
  count(outcome: RunOutcome): void {
    this.runs += 1;
    this.events += outcome.events;
    this.deliveries += outcome.deliveries;
    this.virtualMs += outcome.virtualMs;
    this.#digest.add(outcome.hash);
    for (const [name, checked] of outcome.checked) this.#checked.set(name, (this.#checked.get(name) ?? 0) + checked);
    for (const name of outcome.met) this.#met.add(name);
  }

  facts({ checkers = [], sometimes = {} }: Simulation): {
    runs: number;
    hash: string;
    unmet: string[];
    vacuous: string[];
    events: number;
    deliveries: number;
    virtualMs: number;
    explored: { schedules: number; histories: number } | undefined;
  } {
    const { runs, events, deliveries, virtualMs, explored } = this;
    return {
      runs,
      hash: this.#digest.text,
      unmet: Object.keys(sometimes).filter((name) => !this.#met.has(name)),
      vacuous: checkers.map(({ name }) => name).filter((name) => (this.#checked.get(name) ?? 0) === 0),
      events,
      deliveries,
      virtualMs,
      explored,
    };
  }

  async #run(options: Parameters<typeof runOnce>[0]): Promise<RunOutcome> {
    const outcome = await runOnce({ ...options, onWorld: (world) => this.#guard.watch(world) });
    const leak = this.#guard.takeLeak();
    // Who reads what is not the run's own cannot be repeated, whatever else it did wrong.
    return leak === undefined || !this.#guard.isStrict ? outcome : { ...outcome, failure: leak };
  }
}
