import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Timer } from '../../src/index.ts';
import { VirtualTime } from './virtual-time.ts';
import { durationMs, type Duration } from './duration.ts';
import { installClock } from './install.ts';
import { Deferred } from './observed-promise.ts';

/** Whose code runs: a handler of an app under test. Elsewhere: the test's own. */
export interface Owner {
  /** A promise of ours begins to be waited for. */
  enter(call: string): void;
  leave(): void;
}

export const owners: AsyncLocalStorage<Owner> = new AsyncLocalStorage();

/** What the framework calls its own timer; it is nobody's leak. */
const ownLabel = 'channelbox deadlines';
const startDefaultMs = Date.UTC(2025, 0, 1);
const stackFrames = 12;

interface Setting {
  readonly callback: () => void;
  readonly label: string;
  readonly origin: { stack?: string };
}

export class TestTimer implements Timer {
  readonly dueMs: number;
  readonly sequence: number;
  readonly label: string;
  readonly owner: Owner | undefined;
  readonly callback: () => void;
  /** Captured where it was set; V8 writes it out only when it is read. */
  readonly origin: { stack?: string };
  at = -1;

  constructor(options: Setting & { dueMs: number; sequence: number }) {
    this.dueMs = options.dueMs;
    this.sequence = options.sequence;
    this.label = options.label;
    this.callback = options.callback;
    this.owner = options.label === ownLabel ? undefined : owners.getStore();
    this.origin = options.origin;
  }

  get stack(): string {
    return callerLines(this.origin);
  }
}

/**
 * Time that stands still until a test moves it. Its timers fire one at a time, in order (due, order of setting), and
 * between two of them everything settles: promise chains of any depth end before the next.
 */
export class TestClock implements Clock {
  readonly virtualTime: VirtualTime = new VirtualTime(this);
  #monotonicMs = 0;
  #wallMs: number;
  #sequence = 0;
  readonly #heap: TestTimer[] = [];

  /** @param options.startsAt Unix milliseconds; default 2025-01-01T00:00:00Z. */
  constructor(options: { startsAt?: number } = {}) {
    this.#wallMs = options.startsAt ?? startDefaultMs;
  }

  now(): number {
    return this.#wallMs + this.#monotonicMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  setTimeout(callback: () => void, ms: number, label = ''): Timer {
    return this.#set(ms, { callback, label, origin: label === ownLabel ? {} : originOf(this.setTimeout) });
  }

  clearTimeout(timer: Timer): void {
    if (timer instanceof TestTimer) this.#remove(timer);
  }

  /** In a handler it is a promise of ours. In the test's own body somebody has to move the clock meanwhile. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const owner = owners.getStore();
    const origin = originOf(this.sleep);
    let forget = (): void => {};
    const sleeping = new Deferred<void>(() => {
      if (owner !== undefined || hasEnded) return;
      forget = this.virtualTime.addSleeper({
        refuse: () => {
          this.clearTimeout(timer);
          end();
          sleeping.reject(sleeperError(ms, origin));
        },
      });
    });
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
      signal?.removeEventListener('abort', onAbort);
      owner?.leave();
      forget();
    };
    const onAbort = (): void => {
      this.clearTimeout(timer);
      end();
      sleeping.reject(signal?.reason);
    };
    const onTime = (): void => {
      end();
      sleeping.resolve();
    };
    owner?.enter('clock.sleep');
    const timer = this.#set(ms, { callback: onTime, label: 'clock.sleep', origin });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    return sleeping.promise;
  }

  /**
   * Fires what falls due, one timer at a time by (due, order of setting), and settles after each.
   * Rejects with what a timer's callback throws.
   * @throws {ChannelBoxError} `CHANNELBOX_DURATION`
   */
  advance(by: Duration): Promise<void> {
    return this.virtualTime.lead('advance', durationMs(by), nothing);
  }

  /** Runs what can run without time passing. */
  settle(): Promise<void> {
    return this.virtualTime.lead('settle', 0, nothing);
  }

  /** To the next timer; false when there is none. */
  next(): Promise<boolean> {
    return this.virtualTime.lead('next', 'next', (hasMoved) => hasMoved);
  }

  /** A jump of the wall clock: `now` follows, `monotonic` and timers do not. */
  setWall(unixMs: number): void {
    this.#wallMs = unixMs - this.#monotonicMs;
  }

  /** In the order in which they will fire. */
  pending(): readonly TestTimer[] {
    return this.#heap.toSorted(inOrder);
  }

  /** Puts this clock behind global timers and Date until disposed. */
  install(): Disposable {
    return installClock(this);
  }

  /** Monotonic milliseconds of the next timer. */
  get nextDueMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  /** Moves to the next timer and fires it. What its callback throws goes to the caller. */
  fireNext(): void {
    const timer = this.#heap[0];
    if (timer === undefined) return;
    this.#remove(timer);
    this.moveTo(timer.dueMs);
    // Nor does an ownerless one belong to whoever happened to set the driver going.
    owners.run(timer.owner as Owner, timer.callback);
  }

  /** Sets the time without waiting for rest; for drivers of the clock. */
  moveTo(monotonicMs: number): void {
    if (monotonicMs > this.#monotonicMs) this.#monotonicMs = monotonicMs;
  }

  #set(ms: number, setting: Setting): TestTimer {
    const dueMs = this.#monotonicMs + Math.max(0, Number.isNaN(ms) ? 0 : ms);
    this.#sequence += 1;
    const timer = new TestTimer({ ...setting, dueMs, sequence: this.#sequence });
    this.#push(timer);
    return timer;
  }

  #push(timer: TestTimer): void {
    timer.at = this.#heap.length;
    this.#heap.push(timer);
    this.#rise(timer);
  }

  #remove(timer: TestTimer): void {
    const { at } = timer;
    if (at < 0) return;
    timer.at = -1;
    const last = this.#heap.pop() as TestTimer;
    if (last === timer) return;
    last.at = at;
    this.#heap[at] = last;
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: TestTimer): void {
    for (let at = timer.at; at > 0; at = timer.at) {
      const parent = this.#heap[(at - 1) >> 1] as TestTimer;
      if (inOrder(parent, timer) < 0) return;
      this.#swap(parent, timer);
    }
  }

  #sink(timer: TestTimer): void {
    for (;;) {
      const left = this.#heap[2 * timer.at + 1];
      const right = this.#heap[2 * timer.at + 2];
      const child = right !== undefined && left !== undefined && inOrder(right, left) < 0 ? right : left;
      if (child === undefined || inOrder(timer, child) < 0) return;
      this.#swap(timer, child);
    }
  }

  #swap(one: TestTimer, other: TestTimer): void {
    const at = one.at;
    one.at = other.at;
    other.at = at;
    this.#heap[one.at] = one;
    this.#heap[other.at] = other;
  }
}

function nothing(): void {}

function inOrder(one: TestTimer, other: TestTimer): number {
  return one.dueMs - other.dueMs || one.sequence - other.sequence;
}

/** Where the caller of `above` stands; costs little until the stack is read. */
export function originOf(above: (...args: never[]) => unknown): { stack?: string } {
  const origin: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = stackFrames;
  Error.captureStackTrace(origin, above);
  Error.stackTraceLimit = stackTraceLimit;
  return origin;
}

/** The lines of a stack, without its heading. */
export function callerLines(origin: { stack?: string }): string {
  return (origin.stack ?? '').split('\n').slice(1).join('\n');
}

function sleeperError(ms: number, origin: { stack?: string }): Error {
  const error = new Error(
    `clock.sleep(${ms}) was awaited in the test's own body, and nobody moves the clock meanwhile: it would never wake. ` +
      `Use await clock.advance(${ms}) instead, or start the sleep, advance, and await the sleep last.`,
  );
  error.stack = `Error: ${error.message}\n${callerLines(origin)}`;
  return error;
}
