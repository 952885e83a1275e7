import type { Timer } from '../../src/index.ts';

interface Installable {
  now(): number;
  setTimeout(callback: () => void, ms: number, label?: string): Timer;
  clearTimeout(timer: Timer): void;
}

/** Stands for Node's handle of a timer. */
class GlobalTimer {
  timer: Timer | undefined;
  hasRef(): boolean {
    return true;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  refresh(): this {
    return this;
  }
}

type Callback = (...args: unknown[]) => void;

/** Puts a clock behind `setTimeout`, `setInterval`, their `clear…` and `Date`. `setImmediate` and microtasks stay real. */
export function installClock(clock: Installable): Disposable {
  const { setTimeout, clearTimeout, setInterval, clearInterval, Date: RealDate } = globalThis;

  class ClockDate extends RealDate {
    constructor(...given: unknown[]) {
      if (given.length === 0) super(clock.now());
      else super(...(given as [number]));
    }

    static override now(): number {
      return clock.now();
    }
  }

  const start = (callback: Callback, ms: number, args: unknown[], repeats: boolean): GlobalTimer => {
    const handle = new GlobalTimer();
    const arm = (): void => {
      handle.timer = clock.setTimeout(
        () => {
          handle.timer = undefined;
          if (repeats) arm();
          callback(...args);
        },
        Math.max(repeats ? 1 : 0, ms || 0),
        repeats ? 'setInterval' : 'setTimeout',
      );
    };
    arm();
    handle.refresh = () => {
      stop(handle);
      arm();
      return handle;
    };
    return handle;
  };
  const stop = (handle: unknown): void => {
    if (handle instanceof GlobalTimer && handle.timer !== undefined) clock.clearTimeout(handle.timer);
  };
  Object.assign(globalThis, {
    setTimeout: (callback: Callback, ms = 0, ...args: unknown[]) => start(callback, ms, args, false),
    setInterval: (callback: Callback, ms = 0, ...args: unknown[]) => start(callback, ms, args, true),
    clearTimeout: stop,
    clearInterval: stop,
    Date: ClockDate,
  });
  return {
    [Symbol.dispose]: () => {
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval, Date: RealDate });
    },
  };
}
