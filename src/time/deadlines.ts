import type { Clock, Timer } from './clock.ts';

/** Something that falls due. Its time may move later at any moment without a word to anyone. */
export interface Deadline {
  /** On the clock's monotonic scale; Infinity: never. */
  readonly dueMs: number;
  /** Kept by `Deadlines`: where it is filed. Start with `-1`, nowhere. */
  heapIndex: number;
  /** Called once it is due; it is filed no longer. */
  onDue(nowMs: number): void;
}

/**
 * Everything of an app that waits for a time, behind one timer: expiry, heartbeats, handshakes, closes, history.
 *
 * A binary heap in which each entry is filed under the due time it had when it was filed. Moving later costs nothing
 * (the entry is filed anew when its old time comes), moving earlier or leaving costs O(log n). The times stand in an
 * array of their own: numbers side by side, none of them an object.
 */
export class Deadlines {
  #clock: Clock;
  #timer: Timer | undefined;
  readonly #heap: Deadline[] = [];
  readonly #times: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Moves everything to another clock, keeping what is left of each wait. */
  useClock(clock: Clock): void {
    // Where nothing waits, the clock that was is not asked: whoever watches for reads of the system's sees none.
    const shiftMs = this.#heap.length === 0 ? 0 : clock.monotonic() - this.#clock.monotonic();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#clock = clock;
    for (let at = 0; at < this.#times.length; at += 1) this.#times[at] = (this.#times[at] as number) + shiftMs;
    this.#arm();
  }

  /** Files `due`, or files it earlier. Where its time has only moved later there is nothing to do. */
  schedule(due: Deadline): void {
    const { dueMs, heapIndex: filedAt } = due;
    if (dueMs === Infinity) return;
    if (filedAt < 0) this.#rise(due, dueMs, this.#heap.length);
    else if (dueMs < (this.#times[filedAt] as number)) this.#rise(due, dueMs, filedAt);
    if (this.#heap[0] === due) this.#arm();
  }

  cancel(due: Deadline): void {
    const at = due.heapIndex;
    if (at < 0) return;
    due.heapIndex = -1;
    const last = this.#heap.pop() as Deadline;
    const lastMs = this.#times.pop() as number;
    if (last !== due) {
      if (at > 0 && (this.#times[(at - 1) >> 1] as number) > lastMs) this.#rise(last, lastMs, at);
      else this.#sink(last, lastMs, at);
    }
    if (this.#heap.length === 0) this.#disarm();
  }

  /** Forgets everything that waits: its app is over. */
  clear(): void {
    for (const due of this.#heap.splice(0)) due.heapIndex = -1;
    this.#times.length = 0;
    this.#disarm();
  }

  /** Lets everything fall due that is; the timer calls it. */
  run(): void {
    const nowMs = this.#clock.monotonic();
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || (this.#times[0] as number) > nowMs) break;
      this.cancel(first);
      if (first.dueMs > nowMs) this.schedule(first);
      else first.onDue(nowMs);
    }
    this.#arm();
  }

  #arm(): void {
    const firstMs = this.#times[0];
    if (firstMs === undefined) return this.#disarm();
    if (this.#timer !== undefined) {
      if (this.#timer.dueMs <= firstMs) return;
      this.#clock.clearTimeout(this.#timer);
    }
    const waitMs = Math.max(0, firstMs - this.#clock.monotonic());
    this.#timer = this.#clock.setTimeout(this.#onTimer, waitMs, 'channelbox deadlines');
    // An open socket keeps a process alive; a deadline alone must not.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.run();
  };

  #disarm(): void {
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Files it at `at` or nearer to the top. */
  #rise(due: Deadline, dueMs: number, at: number): void {
    let free = at;
    while (free > 0) {
      const parentAt = (free - 1) >> 1;
      const parentMs = this.#times[parentAt] as number;
      if (parentMs <= dueMs) break;
      this.#put(this.#heap[parentAt] as Deadline, parentMs, free);
      free = parentAt;
    }
    this.#put(due, dueMs, free);
  }

  /** Files it at `at` or further from the top. */
  #sink(due: Deadline, dueMs: number, at: number): void {
    const times = this.#times;
    let free = at;
    for (;;) {
      let childAt = 2 * free + 1;
      let childMs = times[childAt];
      if (childMs === undefined) break;
      const rightMs = times[childAt + 1];
      if (rightMs !== undefined && rightMs < childMs) {
        childMs = rightMs;
        childAt += 1;
      }
      if (childMs >= dueMs) break;
      this.#put(this.#heap[childAt] as Deadline, childMs, free);
      free = childAt;
    }
    this.#put(due, dueMs, free);
  }

  #put(due: Deadline, dueMs: number, at: number): void {
    this.#heap[at] = due;
    this.#times[at] = dueMs;
    due.heapIndex = at;
  }
}
