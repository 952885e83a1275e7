/** The queue keeps what happens at its time. */
export interface Occurrence {
  readonly atMs: number;
  readonly order: number;
  /** The step that set it off; 0: none. */
  readonly cause: number;
  readonly run: () => void;
  /** The app's code may run: all that it sets going ends before the next. */
  readonly reachesApp: boolean;
  isCancelled: boolean;
}

/** All that is to happen, the earliest first, and what was put in first at one instant. */
export class Queue {
  readonly #heap: Occurrence[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  put(atMs: number, cause: number, run: () => void, reachesApp: boolean): Occurrence {
    this.#order += 1;
    const added: Occurrence = { atMs, order: this.#order, cause, run, reachesApp, isCancelled: false };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(added);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Occurrence;
      if (isBefore(above, added)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = added;
    return added;
  }

  /** The next, if it is due by then. */
  take(untilMs: number): Occurrence | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) return undefined;
      this.#removeFirst();
      if (!first.isCancelled) return first;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Occurrence;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Occurrence)) child += 1;
      const lower = heap[child] as Occurrence;
      if (isBefore(last, lower)) break;
      heap[at] = lower;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Occurrence, other: Occurrence): boolean {
  return one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs;
}
