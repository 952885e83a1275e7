/** Something that is to be done at a time. `atUs` may change only while it is not in the queue. */
export interface Due {
  atUs: number;
  run(): void;
}

/** What is to be done, the earliest first; of two with the same time, the one that was put in first. A binary heap. */
export class DueQueue {
  readonly #heap: { readonly due: Due; readonly atUs: number; readonly order: number }[] = [];
  #order: number = 0;

  get nextUs(): number {
    return this.#heap[0]?.atUs ?? Infinity;
  }

  push(due: Due): void {
    const heap = this.#heap;
    const entry = { due, atUs: due.atUs, order: this.#order };
    this.#order += 1;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (isBefore(heap[parent] as QueueEntry, entry)) break;
      heap[at] = heap[parent] as QueueEntry;
      at = parent;
    }
    heap[at] = entry;
  }

  /** The earliest, when its time has come. */
  popUntil(nowUs: number): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atUs > nowUs) return undefined;
    const last = heap.pop() as QueueEntry;
    if (heap.length > 0) this.#sink(last);
    return first.due;
  }

  /** Puts an entry at the top and lets it find its place. */
  #sink(entry: QueueEntry): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as QueueEntry, heap[child] as QueueEntry)) child += 1;
      if (isBefore(entry, heap[child] as QueueEntry)) break;
      heap[at] = heap[child] as QueueEntry;
      at = child;
    }
    heap[at] = entry;
  }
}

type QueueEntry = { readonly due: Due; readonly atUs: number; readonly order: number };

function isBefore(one: QueueEntry, other: QueueEntry): boolean {
  return one.atUs < other.atUs || (one.atUs === other.atUs && one.order < other.order);
}
