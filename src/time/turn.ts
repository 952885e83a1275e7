import { SystemClock, type Clock } from './clock.ts';

// Kept from before a test's fake timers can replace it: the end of a turn is no timer.
const { setImmediate } = globalThis;

/** So many messages, or so many bytes, are sent or handed out for one socket in a turn before it gives way to others. */
export const portion: { readonly messages: number; readonly bytes: number } = { messages: 256, bytes: 64 * 1024 };

/** A tally is one small number: which turn it counts for above these bits, how many in them. */
const tallyBits = 9;
const tallyMax = (1 << tallyBits) - 1;
const ordinalMax = 2 ** 21;

/** How many a tally has counted. */
export function tallied(tally: number): number {
  return tally & tallyMax;
}

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
  #ordinal = 0;
  #over: Promise<void> | undefined = undefined;
  #loop: (end: () => boolean) => unknown = setImmediate;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#remembers = clock instanceof SystemClock;
  }

  useClock(clock: Clock): void {
    this.#clock = clock;
    this.#remembers = clock instanceof SystemClock;
  }

  /** In place of the event loop: calls each end that it is given once, when a turn is over. */
  useLoop(loop: (end: () => boolean) => void): void {
    this.#loop = loop;
  }

  /** Another number in each turn, for whoever asks whether something was in this one. */
  get ordinal(): number {
    return this.#ordinal;
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

  /** Counts `amount` more; a tally of an earlier turn begins anew. One number a socket, whatever it sends in a turn. */
  tally(tally: number, amount: number): number {
    if (!this.#isOpen) this.#open();
    const current = this.#ordinal << tallyBits;
    const counted = (tally & ~tallyMax) === current ? tally & tallyMax : 0;
    return current | Math.min(tallyMax, counted + amount);
  }

  /** Resolves when this turn ends: by then everybody else has had theirs. */
  get over(): Promise<void> {
    this.#over ??= new Promise((resolve) => this.atEnd(resolve));
    return this.#over;
  }

  #open(): void {
    this.#isOpen = true;
    if (this.#remembers) this.#stampMs = Math.ceil(this.#clock.monotonic());
    this.#loop(this.#end);
  }

  /** @returns whether somebody had something to finish */
  readonly #end = (): boolean => {
    this.#isOpen = false;
    this.#ordinal = (this.#ordinal + 1) % ordinalMax;
    this.#over = undefined;
    const tasks = this.#tasks;
    if (tasks.length === 0) return false;
    this.#tasks = [];
    for (const task of tasks) task();
    return true;
  };
}
