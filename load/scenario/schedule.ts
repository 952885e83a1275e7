import { durationMs, type Duration } from '../../src/internal.ts';
import { ScenarioError } from '../load-error.ts';

/** A schedule says when each speaker publishes. Plain data, as `Stage` is. */
export type Schedule = { readonly kind: string };

export interface ConstantSchedule {
  readonly kind: 'constant';
  readonly perSecond: number;
}
export interface PoissonSchedule {
  readonly kind: 'poisson';
  readonly perSecond: number;
}
export interface BurstSchedule {
  readonly kind: 'burst';
  readonly messages: number;
  readonly every: Duration;
}
export type KnownSchedule = ConstantSchedule | PoissonSchedule | BurstSchedule;

/** Of each speaker, so many a second at equal distances. */
export const constant = (perSecond: number): Schedule => ({ kind: 'constant', perSecond }) as Schedule;

/** Of each speaker, so many a second on average, at random and independent moments. */
export const poisson = (perSecond: number): Schedule => ({ kind: 'poisson', perSecond }) as Schedule;

/** Of each speaker, so many at once, again and again. */
export const burst = (messages: number, every: Duration): Schedule => ({ kind: 'burst', messages, every }) as Schedule;

/** Messages a second of one speaker, on average. */
export function ratePerSecond(schedule: Schedule): number {
  const known = schedule as KnownSchedule;
  return known.kind === 'burst' ? (known.messages * 1_000) / durationMs(known.every) : known.perSecond;
}

/**
 * The same kind of schedule at another rate; where there is none yet, a constant one.
 * @throws {ScenarioError} for bursts, which have no single rate
 */
export function atRate(schedule: Schedule | undefined, perSecond: number): Schedule {
  if (schedule === undefined) return constant(perSecond);
  if (schedule.kind !== 'burst') return { ...schedule, perSecond } as Schedule;
  throw new ScenarioError(
    'schedule',
    'a burst came where its rate is to be varied, and it has none; give a constant or poisson one, as --rate 1 or --rate poisson:1',
  );
}

/**
 * The intended times of one speaker, one after another, from the join on.
 * Drawn from the speaker's own random numbers, so they depend on no other speaker and on no process.
 */
export class Agenda {
  readonly #known: KnownSchedule;
  readonly #random: () => number;
  readonly #stepUs: number;
  #nextUs: number;
  #leftOfBurst: number;

  constructor(schedule: Schedule, random: () => number, joinUs: number) {
    this.#known = schedule as KnownSchedule;
    this.#random = random;
    this.#stepUs = 1e6 / (ratePerSecond(schedule) / (this.#known.kind === 'burst' ? this.#known.messages : 1));
    this.#leftOfBurst = this.#known.kind === 'burst' ? this.#known.messages : 1;
    // A seeded phase, so that speakers who join together do not speak in chorus.
    this.#nextUs = joinUs + (this.#known.kind === 'poisson' ? this.#gapUs() : random() * this.#stepUs);
  }

  /** On the run's clock, microseconds. */
  get nextUs(): number {
    return this.#nextUs;
  }

  advance(): void {
    this.#leftOfBurst -= 1;
    if (this.#leftOfBurst > 0) return;
    this.#leftOfBurst = this.#known.kind === 'burst' ? this.#known.messages : 1;
    this.#nextUs += this.#known.kind === 'poisson' ? this.#gapUs() : this.#stepUs;
  }

  #gapUs(): number {
    return -Math.log(1 - this.#random()) * this.#stepUs;
  }
}
