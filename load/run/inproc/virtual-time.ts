import type { Clock, Timer } from '../../../src/index.ts';
import type { LoadTime, LoadTimer } from '../../time.ts';

/** The generator reads its time from the clock that the app has too. */
export class ClockLoadTime implements LoadTime {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowUs(): number {
    return this.#clock.monotonic() * 1_000;
  }

  after(ms: number, callback: () => void): LoadTimer {
    return this.#clock.setTimeout(callback, ms, 'load');
  }

  cancel(timer: LoadTimer): void {
    this.#clock.clearTimeout(timer as Timer);
  }
}
