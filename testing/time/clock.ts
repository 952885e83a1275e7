import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Timer } from '../../src/index.ts';
import { durationMs, Heap, type Duration, type HeapEntry } from '../../src/internal.ts';
import { VirtualTime } from './virtual-time.ts';
import { installClock } from './install.ts';
import { Deferred } from './observed-promise.ts';

/** Whose code runs: a handler of an app under test. Elsewhere: the test's own. */
export interface Owner {
  /** What its global timers mean while this clock is installed; undefined: nobody's in particular. */
  readonly clock?: unknown;
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

export class TestTimer implements Timer, HeapEntry {
  readonly dueMs: number;
  readonly sequence: number;
  readonly label: string;
  readonly owner: Owner | undefined;
  readonly callback: () => void;
  /** Captured where it was set; V8 writes it out only when it is read. */
  readonly origin: { stack?: string };
  heapIndex = -1;

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
 * A test clock stands still until a test moves it. Its timers fire one at a time, in order (due, order of setting),
 * and between two of them everything settles: promise chains of any depth end before the next.
 */
export class TestClock implements Clock {
  readonly virtualTime: VirtualTime = new VirtualTime(this);
  #monotonicMs = 0;
  #wallMs: number;
  #sequence = 0;
  readonly #heap = new Heap<TestTimer>(inOrder);

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
    if (timer instanceof TestTimer) this.#heap.remove(timer);
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
    return this.#heap.sorted();
  }

  /**
   * Puts this clock behind global timers and `Date` until disposed. Several compose, nested or beside each other, and end
   * in any order: a handler's timers are its own app's, a test's those of the clock that it has installed.
   */
  install(): Disposable {
    return installClock(this, clockOfOwner);
  }

  /** Monotonic milliseconds of the next timer. */
  get nextDueMs(): number | undefined {
    return this.#heap.first?.dueMs;
  }

  /** Moves to the next timer and fires it. What its callback throws goes to the caller. */
  fireNext(): void {
    const timer = this.#heap.first;
    if (timer === undefined) return;
    this.#heap.remove(timer);
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
    this.#heap.push(timer);
    return timer;
  }
}

const clockOfOwner = (): unknown => owners.getStore()?.clock;

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
