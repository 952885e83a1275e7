import { chanceOf, uuidOf } from './seed.ts';

/** What a delay may belong to: each kind is left out of some runs. */
export const drawKinds = ['up', 'down', 'io', 'accept', 'layer', 'answer'] as const;
export type DrawKind = (typeof drawKinds)[number];

/** How often a kind of draw is not 0, and how large it is then at most. */
export interface Spread {
  /** 0 … 1. */
  readonly share: number;
  readonly max: number;
}

export interface TapeOptions {
  readonly seed: number;
  /** Written down: every other draw is 0. */
  readonly draws?: Readonly<Record<string, number>>;
  /** Drawn from the seed: kinds that are missing are 0. */
  readonly spreads?: Partial<Readonly<Record<DrawKind, Spread>>>;
  /** Keeps the names of all that was asked for, in order. */
  readonly isListing?: boolean;
  /** Keeps what was drawn; default true. */
  readonly keeps?: boolean;
}

/**
 * The tape has the delays of one run. A draw is named by what caused it, `io moderation 27`, never by how many were
 * drawn before, so that taking a step away leaves the others as they were. 0 is no delay.
 */
export class Tape {
  readonly seed: number;
  /** Those that were not 0. */
  readonly drawn: Map<string, number> = new Map();
  readonly listed: string[] = [];
  /** All has healed: nothing is delayed any more. */
  isCalm: boolean = false;
  readonly #draws: Readonly<Record<string, number>> | undefined;
  readonly #spreads: Partial<Readonly<Record<DrawKind, Spread>>>;
  readonly #isListing: boolean;
  readonly #keeps: boolean;
  readonly #isEmpty: boolean;
  readonly #counts = new Map<string, number>();

  constructor({ seed, draws, spreads = {}, isListing = false, keeps = true }: TapeOptions) {
    this.seed = seed;
    this.#draws = draws ?? (Object.keys(spreads).length === 0 ? {} : undefined);
    this.#spreads = spreads;
    this.#isListing = isListing;
    this.#keeps = keeps;
    this.#isEmpty = this.#draws !== undefined && Object.keys(this.#draws).length === 0 && !isListing;
  }

  draw(kind: DrawKind, what: string, cause: number): number {
    if (this.#isEmpty || this.isCalm) return 0;
    const spread = this.#spreads[kind];
    if (this.#draws === undefined && spread === undefined) return 0;
    const name = this.#named(`${kind} ${what} ${cause}`);
    if (this.#isListing) this.listed.push(name);
    if (this.#draws !== undefined) return this.#note(name, this.#draws[name] ?? 0);
    const chance = chanceOf(this.seed, name);
    const { share, max } = spread as Spread;
    if ((chance & 0xffff) / 0x10000 >= share) return 0;
    const part = (chance >>> 16) / 0x10000;
    return this.#note(name, 1 + Math.floor(part * part * max));
  }

  /** For what the app draws itself: 32 bits. */
  chance(what: string, cause: number): number {
    return chanceOf(this.seed, this.#named(`${what} ${cause}`));
  }

  uuid(what: string, cause: number): string {
    return uuidOf(this.seed, this.#named(`${what} ${cause}`));
  }

  #note(name: string, value: number): number {
    if (value !== 0 && this.#keeps) this.drawn.set(name, value);
    return value;
  }

  /** The second under one cause is another draw. */
  #named(name: string): string {
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    return count === 0 ? name : `${name} #${count + 1}`;
  }
}
