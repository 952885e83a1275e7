import type { Clock, Timer } from 'channelbox';

interface ManualTimer extends Timer {
  readonly callback: () => void;
  readonly order: number;
}

/** A clock that stands still until a test moves it, and then fires what falls due, in order. */
export class ManualClock implements Clock {
  #monotonicMs = 1_000_000;
  #wallMs = Date.UTC(2026, 0, 1);
  #order = 0;
  #timers: ManualTimer[] = [];

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const timer = { callback, dueMs: this.#monotonicMs + Math.max(0, ms), order: (this.#order += 1) };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.setTimeout(resolve, ms);
      const onAbort = (): void => {
        this.clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  get pending(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    for (;;) {
      const next = this.#next(untilMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#step(Math.max(this.#monotonicMs, next.dueMs));
      next.callback();
    }
    this.#step(untilMs);
  }

  /** Advances in steps and lets the event loop turn after each, for what a timer sets going. */
  async pass(ms: number, stepMs: number = ms): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      this.advance(Math.min(stepMs, ms - passedMs));
      await turn();
    }
  }

  /** The wall clock alone, as when somebody sets it. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  #next(untilMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue;
      if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    }
    return first;
  }

  #step(toMs: number): void {
    this.#wallMs += toMs - this.#monotonicMs;
    this.#monotonicMs = toMs;
  }
}

/** Lets the event loop come round, and everything run that is ready. */
export async function turn(times = 1): Promise<void> {
  for (let count = 0; count < times; count += 1) await new Promise((resolve) => setImmediate(resolve));
}
