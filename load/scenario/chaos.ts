import type { Duration } from '../../src/internal.ts';

/** Chaos is done to clients on purpose. Plain data, as `Stage` is. Times count from the start of the run. */
export type Chaos = { readonly kind: string };

export interface SlowReaders {
  readonly kind: 'slowReaders';
  readonly share: number;
  readonly from?: Duration;
  readonly lasts?: Duration;
}
export interface Vanish {
  readonly kind: 'vanish';
  readonly share: number;
  readonly at?: Duration;
}
export interface ReconnectStorm {
  readonly kind: 'reconnectStorm';
  readonly share: number;
  readonly at?: Duration;
  readonly backoff?: Duration;
}
export type KnownChaos = SlowReaders | Vanish | ReconnectStorm;

/** A share of the clients stops reading at `from` (default: the start), for `lasts` (default: to the end). */
export const slowReaders = (share: number, options: { from?: Duration; lasts?: Duration } = {}): Chaos =>
  ({ kind: 'slowReaders', share, ...options }) as Chaos;

/** A share of the clients is gone at `at` (default: half-way), without a close frame, and stays away. */
export const vanish = (share: number, options: { at?: Duration } = {}): Chaos =>
  ({ kind: 'vanish', share, ...options }) as Chaos;

/**
 * A share of the clients is cut off at `at` (default: half-way) and comes back: after a random part of `backoff`
 * (default 1 s), which doubles with each attempt that fails, to 30 s at most.
 */
export const reconnectStorm = (share: number, options: { at?: Duration; backoff?: Duration } = {}): Chaos =>
  ({ kind: 'reconnectStorm', share, ...options }) as Chaos;
