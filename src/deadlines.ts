import type { Clock, Timer } from './clock.ts';

/** Something that falls due. Its time may move later at any moment without a word to anyone. */
export interface Due {
  /** On the clock's monotonic scale; Infinity: never. */
  readonly dueMs: number;
  /** Kept by `Deadlines`: the time it is filed under, and where. Start with `Infinity` and `-1`. */
  filedMs: number;
  filedAt: number;
  /** Called once it is due; it is filed no longer. */
  fallDue(nowMs: number): void;
}

/**
 * Everything of an app that waits for a time, behind one timer: expiry, heartbeats, handshakes, closes, history.
 *
 * A binary heap in which each entry is filed under the due time it had when it was filed. Moving later costs nothing
 * (the entry is filed anew when its old time comes), moving earlier or leaving costs O(log n).
 */
export class Deadlines {
  #clock: Clock;
  #timer: Timer | undefined;
  #heap: Due[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Moves everything to another clock, keeping what is left of each wait. */
  adopt(clock: Clock): void {
    const shiftMs = clock.monotonic() - this.#clock.monotonic();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#clock = clock;
    for (const due of this.#heap) due.filedMs += shiftMs;
    this.#arm();
  }

  /** Files `due`, or files it earlier. Where its time has only moved later there is nothing to do. */
  file(due: Due): void {
    const { dueMs } = due;
    if (dueMs >= due.filedMs) return;
    if (dueMs === Infinity) return;
    due.filedMs = dueMs;
    if (due.filedAt < 0) {
      due.filedAt = this.#heap.length;
      this.#heap.push(due);
    }
    this.#rise(due);
    if (this.#heap[0] === due) this.#arm();
  }

  drop(due: Due): void {
    const at = due.filedAt;
    if (at < 0) return;
    due.filedAt = -1;
    due.filedMs = Infinity;
    const last = this.#heap.pop() as Due;
    if (last !== due) {
      last.filedAt = at;
      this.#heap[at] = last;
      this.#rise(last);
      this.#sink(last);
    }
    if (this.#heap.length === 0) this.#disarm();
  }

  /** Lets everything fall due that is; the timer calls it. */
  run(): void {
    const nowMs = this.#clock.monotonic();
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.filedMs > nowMs) break;
      this.drop(first);
      if (first.dueMs > nowMs) this.file(first);
      else first.fallDue(nowMs);
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined) return this.#disarm();
    if (this.#timer !== undefined) {
      if (this.#timer.dueMs <= first.filedMs) return;
      this.#clock.clearTimeout(this.#timer);
    }
    const waitMs = Math.max(0, first.filedMs - this.#clock.monotonic());
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

  #rise(due: Due): void {
    const heap = this.#heap;
    let at = due.filedAt;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as Due;
      if (parent.filedMs <= due.filedMs) break;
      heap[at] = parent;
      parent.filedAt = at;
      at = parentAt;
    }
    heap[at] = due;
    due.filedAt = at;
  }

  #sink(due: Due): void {
    const heap = this.#heap;
    let at = due.filedAt;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const right = heap[childAt + 1];
      if (right !== undefined && right.filedMs < child.filedMs) {
        child = right;
        childAt += 1;
      }
      if (child.filedMs >= due.filedMs) break;
      heap[at] = child;
      child.filedAt = at;
      at = childAt;
    }
    heap[at] = due;
    due.filedAt = at;
  }
}
