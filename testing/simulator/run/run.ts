import type { Checker, SimView } from '../api/event.ts';
import type { SimCase, SimConfig, SimStep } from '../api/report.ts';
import type { Conditions, Simulation } from '../api/simulation.ts';
import type { System } from '../api/system.ts';
import { Choice } from '../tape/choice.ts';
import { Tape } from '../tape/tape.ts';
import { World } from '../world/world.ts';
import { heal, inject } from './fault.ts';
import { StepGenerator } from './generator.ts';
import { leftoverOf } from './leftovers.ts';
import { profileOf, type Profile } from './profile.ts';
import { RunStage, type FoundFailure } from './stage.ts';
import { RunView } from './view.ts';

/** Of virtual time, from healing to rest: before anything expires. */
const restMs = 1_500;
const settleDefaultMs = 61_111;
/** After the last step, before all heals. */
const lullMs = 100;
/** How long a check waits for what is on its way, in steps of 10 ms; who never stops talking is checked all the same. */
const quietTriesMax = 300;

export interface RunOptions {
  readonly simulation: Simulation;
  /** Drawn from it. */
  readonly runSeed: number;
  /** What happens, in place of what would be drawn. */
  readonly simCase?: SimCase;
  /** Keeps the names of all delays that could have been drawn. */
  readonly isListing?: boolean;
  /** Keeps neither what was drawn nor where calls were made that fail: whoever wants to know repeats the run. */
  readonly isFirstLook?: boolean;
  /** So many steps as there may be, nothing ends, nothing is delayed. */
  readonly isPlain?: boolean;
  /** Told when the world is there, so that a guard knows whose code runs. */
  readonly onWorld?: (world: World) => void;
}

/** What a run came to. */
export interface RunOutcome {
  readonly hash: string;
  readonly view: SimView;
  readonly failure: FoundFailure | undefined;
  readonly failedAtMs: number;
  /** It again, with all that was drawn written down. */
  readonly simCase: SimCase;
  /** What clients really did, in place of their actions. */
  readonly written: readonly SimStep[];
  readonly listed: readonly string[];
  readonly events: number;
  readonly deliveries: number;
  readonly virtualMs: number;
  /** How many cases each checker looked at. */
  readonly checked: ReadonlyMap<string, number>;
  /** Of `sometimes`, those that were true at the end. */
  readonly met: readonly string[];
}

/** A checker that looks after every event, too. */
interface Watcher extends Checker {
  watch(view: SimView): void;
}

/** Runs a simulation once: steps and faults, healing, rest, convergence. */
export async function runOnce(options: RunOptions): Promise<RunOutcome> {
  return new Run(options).play();
}

class Run {
  readonly #options: RunOptions;
  readonly #profile: Profile | undefined;
  readonly #config: SimConfig;
  readonly #world: World;
  readonly #stage: RunStage;
  readonly #view: RunView;
  readonly #watchers: readonly Watcher[];
  readonly #steps: SimStep[] = [];
  readonly #checked = new Map<string, number>();
  #durationMs = 0;

  constructor(options: RunOptions) {
    const { simulation, runSeed, simCase, isListing = false, isFirstLook = false } = options;
    this.#options = options;
    this.#profile = simCase === undefined ? profileOf(simulation, runSeed, options.isPlain) : undefined;
    this.#config = simCase?.config ?? this.#profile?.config ?? {};
    const seed = simCase?.seed ?? runSeed;
    const source = simCase === undefined ? { spreads: this.#profile?.spreads ?? {} } : { draws: simCase.draws ?? {} };
    const tape = new Tape({ seed, isListing, keeps: !isFirstLook, ...source });
    this.#world = new World({ tape, config: this.#config, remembersSites: !isFirstLook });
    this.#stage = new RunStage(this.#world, simulation);
    this.#view = new RunView(this.#stage);
    this.#watchers = (simulation.checkers ?? []).filter((checker): checker is Watcher => 'watch' in checker);
    const afterApp = (): void => this.#afterApp();
    this.#world.afterApp = afterApp;
    options.onWorld?.(this.#world);
  }

  async play(): Promise<RunOutcome> {
    const world = this.#world;
    await world.perform(0, () => this.#stage.bootAll(), true);
    if (this.#options.simCase === undefined) await this.#generate();
    else await this.#repeat(this.#options.simCase);
    await world.runUntil(this.#durationMs);
    await this.#converge();
    return this.#outcome();
  }

  async #generate(): Promise<void> {
    const generator = new StepGenerator(this.#stage, this.#profile as Profile, this.#options.runSeed);
    for (let atMs = generator.nextAtMs(); atMs !== undefined; atMs = generator.nextAtMs()) {
      await this.#world.runUntil(atMs);
      if (this.#world.hasEnded) break;
      const step = this.#attempt(() => generator.step());
      if (step !== undefined) await this.#perform(step);
    }
    this.#durationMs = this.#world.nowMs + lullMs;
  }

  async #repeat({ steps, durationMs }: SimCase): Promise<void> {
    let lastMs = 0;
    for (const step of steps) {
      lastMs = Math.max(lastMs, step.at);
      await this.#world.runUntil(lastMs);
      if (this.#world.hasEnded) break;
      await this.#perform(step);
    }
    this.#durationMs = durationMs ?? lastMs + lullMs;
  }

  async #perform(step: SimStep): Promise<void> {
    const stage = this.#stage;
    if ('fault' in step) {
      this.#steps.push(step);
      await this.#world.perform(step.id, () => inject(stage, step), true);
      return;
    }
    const client = stage.client(step.client);
    if ('op' in step) {
      this.#steps.push(step);
      await this.#world.perform(step.id, () => {
        (client[step.op] as (...args: unknown[]) => void).call(client, ...step.args);
      });
      return;
    }
    const action = stage.simulation.actions[step.action];
    const run = typeof action === 'function' ? action : action?.[1];
    const { seed } = this.#world.tape;
    const draws = this.#options.simCase === undefined ? undefined : (step.draws ?? {});
    const choice = new Choice({ seed, step: step.id, client: client.name, draws });
    // An action is of an open client; one that an earlier action keeps busy does nothing else.
    if (run === undefined || !client.isOpen || client.isBusy) return;
    await this.#world.perform(step.id, () => stage.act(client, step.id, step.action, () => run(client, choice)));
    // An action that waits goes on drawing.
    this.#steps.push({ ...step, draws: choice.made });
  }

  async #converge(): Promise<void> {
    const world = this.#world;
    const { simulation } = this.#options;
    if (!world.hasEnded) await world.perform(0, () => heal(this.#stage), true);
    await world.runUntil(world.nowMs + restMs);
    await this.#untilQuiet();
    if (world.hasEnded) return;
    world.record.note({ t: world.nowMs, e: 'rest' });
    this.#runCheckers('rest');
    await world.runUntil(this.#durationMs + (simulation.settleMs ?? settleDefaultMs));
    await this.#untilQuiet();
    if (world.hasEnded) return;
    this.#hold('converge', simulation.converge);
    if (!world.hasEnded) this.#runCheckers('end');
    if (world.hasEnded || simulation.leftovers === 'ignore') return;
    const leftover = leftoverOf(this.#stage);
    if (leftover !== undefined) this.#stage.fail(leftover);
  }

  async #untilQuiet(): Promise<void> {
    for (let tries = 0; this.#world.onItsWay > 0 && tries < quietTriesMax; tries += 1) {
      await this.#world.runUntil(this.#world.nowMs + 10);
    }
  }

  #afterApp(): void {
    if (this.#world.hasEnded) return;
    const { simulation } = this.#options;
    for (const checker of this.#watchers) checker.watch(this.#view);
    this.#hold('always', simulation.always);
  }

  #hold(kind: 'always' | 'converge', conditions: Conditions<System> | undefined): void {
    if (conditions === undefined) return;
    for (const name of Object.keys(conditions)) {
      const found = this.#failing(() => conditions[name]?.(this.#view));
      if (found === undefined) continue;
      this.#stage.fail({ kind, name, ...found, witness: this.#stage.lastEvents() });
      return;
    }
  }

  /** A condition that throws, as an assertion does, does not hold either. */
  #failing(condition: () => boolean | string | void): { message: string; stack?: string } | undefined {
    try {
      const held = condition();
      if (held === false) return { message: 'it does not hold' };
      return typeof held === 'string' && held !== '' ? { message: held } : undefined;
    } catch (error) {
      if (!(error instanceof Error)) return { message: String(error) };
      return error.stack === undefined ? { message: error.message } : { message: error.message, stack: error.stack };
    }
  }

  #runCheckers(when: 'rest' | 'end'): void {
    for (const checker of this.#options.simulation.checkers ?? []) {
      if ((checker.when ?? 'end') !== when) continue;
      const result = this.#attempt(() => checker.check(this.#view));
      if (result === undefined) return;
      this.#checked.set(checker.name, (this.#checked.get(checker.name) ?? 0) + result.checked);
      if (result.fault === undefined) continue;
      this.#stage.fail({ kind: 'checker', name: checker.name, ...result.fault });
      return;
    }
  }

  /** The simulation's own code: what it throws is told as what it is. */
  #attempt<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#stage.onThrown(error, 'the simulation');
      return undefined;
    }
  }

  #outcome(): RunOutcome {
    const world = this.#world;
    const { simulation, runSeed } = this.#options;
    const { tape, record } = world;
    if (world.isEndless && this.#stage.failure === undefined) {
      this.#stage.fail({
        kind: 'endless',
        name: 'endless',
        message: `more than 20 000 things happened at ${world.nowMs} ms: it never comes to rest`,
        witness: this.#stage.lastEvents(),
      });
    }
    const { failure } = this.#stage;
    const draws = tape.drawn.size === 0 ? {} : { draws: Object.fromEntries(tape.drawn) };
    const config = Object.keys(this.#config).length === 0 ? {} : { config: this.#config };
    const sometimes = failure === undefined ? (simulation.sometimes ?? {}) : {};
    return {
      hash: record.digest.text,
      view: this.#view,
      failure,
      failedAtMs: world.nowMs,
      simCase: {
        seed: this.#options.simCase?.seed ?? runSeed,
        steps: this.#steps.map(withoutNoDraws),
        ...draws,
        durationMs: this.#durationMs,
        ...config,
      },
      written: this.#stage.written,
      listed: tape.listed,
      events: record.events,
      deliveries: record.deliveries,
      virtualMs: world.nowMs,
      checked: this.#checked,
      met: Object.keys(sometimes).filter((name) => this.#attempt(() => sometimes[name]?.(this.#view)) === true),
    };
  }
}

function withoutNoDraws(step: SimStep): SimStep {
  if (!('draws' in step) || Object.keys(step.draws ?? {}).length > 0) return step;
  const { draws: _none, ...plain } = step;
  return plain;
}
