/**
 * An app reads its time from a clock that it is given. Handed in, never looked up, so that a test can hold it still.
 */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Milliseconds that never jump. */
  monotonic(): number;
  /** @param label names the timer in a test's list of what it left behind. */
  setTimeout(callback: () => void, ms: number, label?: string): Timer;
  /** Forgets a timer; one that has fired, or is none of this clock, changes nothing. */
  clearTimeout(timer: Timer): void;
  /** Rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One timer of a clock. */
export interface Timer {
  /** On the clock's monotonic scale. */
  readonly dueMs: number;
}

/** Node allows no longer delay; a longer one waits in steps. */
const delayMsMax = 2 ** 31 - 1;

class SystemTimer implements Timer {
  readonly dueMs: number;
  handle: NodeJS.Timeout | undefined;

  constructor(dueMs: number) {
    this.dueMs = dueMs;
  }

  /** The process may end before it fires. */
  unref(): void {
    this.handle?.unref();
  }
}

/** The machine's own time. Its timers keep the process alive, as Node's do. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimeout(callback: () => void, ms: number, _label?: string): Timer {
    const timer = new SystemTimer(performance.now() + ms);
    const arm = (): void => {
      // Whole milliseconds: Node drops what is behind the point, and would be early by a second one.
      const left = Math.ceil(timer.dueMs - performance.now());
      timer.handle = left > delayMsMax ? setTimeout(arm, delayMsMax) : setTimeout(callback, left);
    };
    arm();
    return timer;
  }

  clearTimeout(timer: Timer): void {
    if (timer instanceof SystemTimer) clearTimeout(timer.handle);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        this.clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = this.setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
