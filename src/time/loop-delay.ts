import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { Buckets } from './histogram.ts';

/** Between two looks, in milliseconds. The monitor counts it in with each delay, so it is taken off again. */
const resolutionMs = 20;
const nanoseconds = 1e9;

/** This watches how late the event loop of this process is, from the first question on: who never asks pays nothing. */
export class LoopDelay {
  readonly #bounds: readonly number[];
  #monitor: IntervalHistogram | undefined;
  #isStopped = false;

  /** @param bounds rising, in seconds */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  get buckets(): Buckets {
    const monitor = this.#watched();
    const count = monitor.count;
    const resolution = resolutionMs / 1000;
    const atMost = this.#bounds.map(
      (bound) => [bound, countUpTo(monitor, (bound + resolution) * nanoseconds)] as const,
    );
    const sum = count === 0 ? 0 : Math.max(0, monitor.mean / nanoseconds - resolution) * count;
    return { atMost, count, sum };
  }

  stop(): void {
    this.#isStopped = true;
    this.#monitor?.disable();
  }

  #watched(): IntervalHistogram {
    if (this.#monitor === undefined) {
      this.#monitor = monitorEventLoopDelay({ resolution: resolutionMs });
      if (!this.#isStopped) this.#monitor.enable();
    }
    return this.#monitor;
  }
}

/** The monitor tells the value of a rank, not the rank of a value: the rank is searched for. */
function countUpTo(monitor: IntervalHistogram, bound: number): number {
  let low = 0;
  let high = monitor.count;
  while (low < high) {
    const rank = Math.ceil((low + high) / 2);
    if (monitor.percentile((rank / monitor.count) * 100) <= bound) low = rank;
    else high = rank - 1;
  }
  return low;
}
