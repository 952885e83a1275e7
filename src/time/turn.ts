import { SystemClock, type Clock } from './clock.ts';

// Kept from before a test's fake timers can replace it: the end of a turn is no timer.
const { setImmediate } = globalThis;

/**
 * One turn of the event loop, as an app sees it: from the first thing it does to the check phase that follows.
 * Gives one time stamp to all that happens in it, and one place to finish what was begun.
 */
export class Turn {
  #clock: Clock;
  /** A clock that a test moves may move within a turn, so only the system's is remembered. */
  #remembers: boolean;
  #isOpen = false;
  #stampMs = 0;
  #tasks: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#remembers = clock instanceof SystemClock;
  }

  useClock(clock: Clock): void {
    this.#clock = clock;
    this.#remembers = clock instanceof SystemClock;
  }

  /** Monotonic milliseconds, the same throughout a turn, rounded up so that nothing falls due early. */
  stampMs(): number {
    if (!this.#remembers) return Math.ceil(this.#clock.monotonic());
    if (!this.#isOpen) this.#open();
    return this.#stampMs;
  }

  /** Runs `task` when this turn ends. */
  atEnd(task: () => void): void {
    this.#tasks.push(task);
    if (!this.#isOpen) this.#open();
  }

  #open(): void {
    this.#isOpen = true;
    if (this.#remembers) this.#stampMs = Math.ceil(this.#clock.monotonic());
    setImmediate(this.#end);
  }

  readonly #end = (): void => {
    this.#isOpen = false;
    const tasks = this.#tasks;
    if (tasks.length === 0) return;
    this.#tasks = [];
    for (const task of tasks) task();
  };
}
