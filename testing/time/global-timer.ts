import type { Timer } from '../../src/index.ts';

/** The part of a clock that stands behind global timers. */
export interface GlobalClock {
  now(): number;
  setTimeout(callback: () => void, ms: number, label?: string): Timer;
  clearTimeout(timer: Timer): void;
}

/** What a global timer calls, and how. */
export interface TimerTask {
  readonly callback: (...args: unknown[]) => void;
  readonly args: readonly unknown[];
  readonly ms: number;
  readonly repeats: boolean;
}

/** Of Node's own numbers none comes near it. */
let idNext = 2 ** 40;
/** Those whose number somebody has asked for, until they have fired or are cleared. */
const byId = new Map<number, GlobalTimer>();
/** What is longer than Node's timers can count falls due at once, as it does there. */
const msMax = 2 ** 31 - 1;

/** A timer of a clock has the form of Node's handle. */
export class GlobalTimer {
  readonly #clock: GlobalClock;
  readonly #task: TimerTask;
  readonly #ms: number;
  #timer: Timer | undefined;
  #id: number | undefined;
  #hasRef = true;

  constructor(clock: GlobalClock, task: TimerTask) {
    this.#clock = clock;
    this.#task = task;
    this.#ms = delayOf(task);
    this.#arm();
  }

  /** A handle, its number, or the number as a text, as `clearTimeout` takes them; undefined for a timer of somebody else's. */
  static of(handle: unknown): GlobalTimer | undefined {
    if (handle instanceof GlobalTimer) return handle;
    return typeof handle === 'number' || typeof handle === 'string' ? byId.get(Number(handle)) : undefined;
  }

  hasRef(): boolean {
    return this.#hasRef;
  }

  ref(): this {
    this.#hasRef = true;
    return this;
  }

  /** Changes what `hasRef` says; a clock that stands still keeps no process alive. */
  unref(): this {
    this.#hasRef = false;
    return this;
  }

  /** Begins anew, also once it has fired. */
  refresh(): this {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#arm();
    return this;
  }

  close(): this {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#forget();
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.toPrimitive](): number {
    if (this.#id === undefined) {
      this.#id = idNext;
      idNext += 1;
    }
    if (this.#timer !== undefined) byId.set(this.#id, this);
    return this.#id;
  }

  #arm(): void {
    const label = this.#task.repeats ? 'setInterval' : 'setTimeout';
    this.#timer = this.#clock.setTimeout(this.#fire, this.#ms, label);
    if (this.#id !== undefined) byId.set(this.#id, this);
  }

  readonly #fire = (): void => {
    const { callback, args, repeats } = this.#task;
    if (repeats) this.#arm();
    else this.#forget();
    callback.apply(this, [...args]);
  };

  #forget(): void {
    this.#timer = undefined;
    if (this.#id !== undefined) byId.delete(this.#id);
  }
}

function delayOf({ ms, repeats }: TimerTask): number {
  const delay = Number(ms);
  if (delay > msMax) return 1;
  return Math.max(repeats ? 1 : 0, Number.isNaN(delay) ? 0 : Math.trunc(delay));
}
