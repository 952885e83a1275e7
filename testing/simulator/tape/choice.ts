import type { Draw } from '../api/client.ts';
import { chanceOf } from './seed.ts';

/** The choices of one step: drawn from the seed and written into the step, or read from there, where what is missing is 0. */
export class Choice implements Draw {
  /** Those that were not 0, by their place in the step. */
  readonly made: Record<string, number> = {};
  readonly #options: ChoiceOptions;
  #count = 0;
  #stamps = 0;

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  readonly int = (n: number): number => this.#draw(n, (part) => Math.floor(part * n));

  readonly pick = <const T>(list: readonly T[]): T => list[this.int(list.length)] as T;

  readonly chance = (p: number): boolean => this.#draw(2, (part) => (part < p ? 1 : 0)) === 1;

  readonly stamp = (): string => {
    const { client, step } = this.#options;
    this.#stamps += 1;
    return this.#stamps === 1 ? `~${client}.${step}~` : `~${client}.${step}.${this.#stamps}~`;
  };

  #draw(values: number, choose: (part: number) => number): number {
    this.#count += 1;
    const name = String(this.#count);
    const { draws, seed, step } = this.#options;
    let value: number;
    if (draws === undefined) value = choose(chanceOf(seed, `choice ${step} ${name}`) / 2 ** 32);
    // A hand that changed the case may have written too much.
    else value = Math.min(Math.max(0, Math.trunc(draws[name] ?? 0)), Math.max(0, values - 1));
    if (value !== 0) this.made[name] = value;
    return value;
  }
}

export interface ChoiceOptions {
  readonly seed: number;
  readonly step: number;
  readonly client: string;
  /** Written down. */
  readonly draws: Readonly<Record<string, number>> | undefined;
}
