import type { Duration } from '../../src/internal.ts';

/**
 * Stages say how the number of clients moves. Plain data: a scenario is imported by several processes, and the command
 * line and the scenario may hold two copies of this module, so nothing may hang on identity or on a closure.
 */
export type Stage = { readonly kind: string };

export interface RampTo {
  readonly kind: 'rampTo';
  readonly clients: number;
  readonly over: Duration;
}
export interface Hold {
  readonly kind: 'hold';
  readonly lasts: Duration;
}
export interface Spike {
  readonly kind: 'spike';
  readonly clients: number;
  readonly lasts: Duration;
}
export interface Churn {
  readonly kind: 'churn';
  readonly perSecond: number;
  readonly lasts: Duration;
}
export type KnownStage = RampTo | Hold | Spike | Churn;

/** From the present count to `clients`, evenly over the time; downwards the youngest leave first. */
export const rampTo = (clients: number, over: Duration): Stage => ({ kind: 'rampTo', clients, over }) as Stage;

/** Nothing changes. */
export const hold = (lasts: Duration): Stage => ({ kind: 'hold', lasts }) as Stage;

/** Adds so many clients at once, and removes them again at the end. */
export const spike = (clients: number, lasts: Duration): Stage => ({ kind: 'spike', clients, lasts }) as Stage;

/** So many clients a second close, in an orderly way, and a new one takes the place of each. */
export const churn = (perSecond: number, lasts: Duration): Stage => ({ kind: 'churn', perSecond, lasts }) as Stage;
