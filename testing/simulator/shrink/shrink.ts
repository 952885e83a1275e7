import type { SimCase, SimStep } from '../api/report.ts';
import type { Simulation } from '../api/simulation.ts';
import type { RunOutcome } from '../run/run.ts';
import { ddmin } from './ddmin.ts';

export interface ShrinkOptions {
  readonly simulation: Simulation;
  readonly first: RunOutcome;
  readonly triesMax: number;
  readonly timeMs: number;
  /** Runs one case. */
  readonly play: (simCase: SimCase) => Promise<RunOutcome>;
  /** Runs a small run of another seed that has only what is left. */
  readonly search: (at: number, outcome: RunOutcome) => Promise<RunOutcome>;
  readonly onTry?: (tries: number, steps: number) => void;
}

export interface Shrunk {
  readonly outcome: RunOutcome;
  readonly tries: number;
  readonly ms: number;
  /** Nothing smaller was found, and all was tried. */
  readonly isComplete: boolean;
}

/** More steps than these are worth a search for a shorter way. */
const fewSteps = 6;
const searchesMax = 400;
/** Part of the time that such a search may take. */
const searchShare = 0.4;

/** Makes a failing case small: same kind and same name of failure, fewer and simpler steps, fewer delays. */
export async function shrink(options: ShrinkOptions): Promise<Shrunk> {
  const shrinker = new Shrinker(options);
  await shrinker.run();
  return shrinker.result;
}

class Shrinker {
  readonly #options: ShrinkOptions;
  readonly #startMs = performance.now();
  readonly #seen = new Set<string>();
  #best: RunOutcome;
  #tries = 0;
  #isExhausted = false;

  constructor(options: ShrinkOptions) {
    this.#options = options;
    this.#best = options.first;
  }

  get result(): Shrunk {
    return {
      outcome: this.#best,
      tries: this.#tries,
      ms: Math.round(performance.now() - this.#startMs),
      isComplete: !this.#isExhausted,
    };
  }

  async run(): Promise<void> {
    await this.#cutTail();
    await this.#reduce();
    if (this.#case.steps.length > fewSteps) await this.#findShorter();
    await this.#writeDown();
    await this.#reduce();
    await this.#simplify();
  }

  get #case(): SimCase {
    return this.#best.simCase;
  }

  /** What came after the failure was not needed for it. */
  async #cutTail(): Promise<void> {
    const { steps } = this.#case;
    const before = steps.filter(({ at }) => at <= this.#best.failedAtMs);
    if (before.length < steps.length) await this.#try({ ...this.#case, steps: before });
  }

  async #reduce(): Promise<void> {
    await this.#try({ ...this.#case, draws: {} });
    for (let size = Infinity; this.#sizeOf(this.#case) < size && !this.#isOver;) {
      size = this.#sizeOf(this.#case);
      await this.#dropClients();
      await ddmin(this.#case.steps, (steps) => this.#try({ ...this.#case, steps }));
      await this.#reduceDraws();
    }
  }

  /** Whole clients first: their steps belong together. */
  async #dropClients(): Promise<void> {
    const names = new Set(this.#case.steps.flatMap((step) => ('client' in step ? [step.client] : [])));
    for (const name of names) {
      const steps = this.#case.steps.filter((step) => !('client' in step) || step.client !== name);
      if (steps.length < this.#case.steps.length) await this.#try({ ...this.#case, steps });
    }
  }

  async #reduceDraws(): Promise<void> {
    const draws = Object.entries(this.#case.draws ?? {});
    if (draws.length === 0 || (await this.#try({ ...this.#case, draws: {} }))) return;
    await ddmin(draws, (left) => this.#try({ ...this.#case, draws: Object.fromEntries(left) }));
  }

  async #simplify(): Promise<void> {
    await this.#try({ ...this.#case, config: {} });
    for (const key of Object.keys(this.#case.config ?? {})) {
      const { [key as keyof SimCase['config']]: _dropped, ...config } = this.#case.config ?? {};
      await this.#try({ ...this.#case, config });
    }
    for (const [name, value] of Object.entries(this.#case.draws ?? {})) {
      if (value > 1) await this.#try({ ...this.#case, draws: { ...this.#case.draws, [name]: 1 } });
    }
    await this.#simplifySteps();
    await this.#closeGaps();
    await this.#shorten();
  }

  /** Choices to the first, faults shorter. */
  async #simplifySteps(): Promise<void> {
    for (let at = 0; at < this.#case.steps.length; at += 1) {
      const step = this.#case.steps[at] as SimStep;
      if ('action' in step && step.draws !== undefined) {
        const { draws: _draws, ...plain } = step;
        if (await this.#replace(at, plain)) continue;
        for (const name of Object.keys(step.draws)) {
          const now = this.#case.steps[at] as typeof step;
          const { [name]: _one, ...draws } = now.draws ?? {};
          await this.#replace(at, { ...now, draws });
        }
      } else if ('fault' in step) {
        for (const ms of [0, 1, 10, 100, 1_000]) {
          if (ms >= Math.abs(step.ms) || (await this.#replace(at, { ...step, ms }))) break;
        }
      }
    }
  }

  async #closeGaps(): Promise<void> {
    const { steps } = this.#case;
    const together = steps.map((step) => ({ ...step, at: 0 }));
    if (await this.#try({ ...this.#case, steps: together })) return;
    for (let at = 0; at < this.#case.steps.length && !this.#isOver; at += 1) {
      const now = this.#case.steps;
      const before = now[at - 1]?.at ?? 0;
      const gap = (now[at] as SimStep).at - before;
      for (const shorter of [0, 2, 5, 10, 100]) {
        if (shorter >= gap) break;
        const moved = now.map((step, place) => (place < at ? step : { ...step, at: step.at - gap + shorter }));
        if (await this.#try({ ...this.#case, steps: moved })) break;
      }
    }
  }

  async #shorten(): Promise<void> {
    const lastMs = this.#case.steps.at(-1)?.at ?? 0;
    for (const durationMs of [lastMs + 20, lastMs + 100]) {
      if (durationMs < (this.#case.durationMs ?? 0) && (await this.#try({ ...this.#case, durationMs }))) return;
    }
  }

  /** Actions become what clients did in them, so that the case no longer depends on how actions choose. */
  async #writeDown(): Promise<void> {
    if (!this.#case.steps.some((step) => 'action' in step)) return;
    const faults = this.#case.steps.filter((step) => 'fault' in step);
    const steps = [...this.#best.written, ...faults].toSorted((one, other) => one.at - other.at || one.id - other.id);
    await this.#try({ ...this.#case, steps }, true);
  }

  /** Small runs of what is left often fail with fewer steps than any part of the first. */
  async #findShorter(): Promise<void> {
    const untilMs = performance.now() + this.#options.timeMs * searchShare;
    for (let at = 0; at < searchesMax && !this.#isOver && performance.now() < untilMs; at += 1) {
      const outcome = await this.#options.search(at, this.#best);
      if (!this.#isSame(outcome)) continue;
      if (outcome.simCase.steps.length >= this.#case.steps.length * 3) continue;
      const before = this.#best;
      this.#best = outcome;
      await this.#cutTail();
      await this.#reduce();
      if (this.#sizeOf(this.#case) >= this.#sizeOf(before.simCase)) this.#best = before;
      if (this.#case.steps.length <= fewSteps) return;
    }
  }

  async #replace(at: number, step: SimStep): Promise<boolean> {
    return this.#try({ ...this.#case, steps: this.#case.steps.map((each, place) => (place === at ? step : each)) });
  }

  get #isOver(): boolean {
    const { triesMax, timeMs } = this.#options;
    if (this.#tries < triesMax && performance.now() - this.#startMs < timeMs) return false;
    this.#isExhausted = true;
    return true;
  }

  /** Takes it over where it fails for the same reason. */
  async #try(smaller: SimCase, mayGrow = false): Promise<boolean> {
    const key = JSON.stringify(smaller);
    if (this.#seen.has(key) || this.#isOver) return false;
    this.#seen.add(key);
    this.#tries += 1;
    const outcome = await this.#options.play(smaller);
    this.#options.onTry?.(this.#tries, this.#case.steps.length);
    if (!this.#isSame(outcome)) return false;
    if (!mayGrow && this.#sizeOf(outcome.simCase) > this.#sizeOf(this.#case)) return false;
    this.#best = outcome;
    return true;
  }

  #isSame({ failure }: RunOutcome): boolean {
    const { first } = this.#options;
    return failure !== undefined && failure.kind === first.failure?.kind && failure.name === first.failure.name;
  }

  #sizeOf({ steps, draws = {} }: SimCase): number {
    return steps.length * 100 + Object.keys(draws).length;
  }
}
