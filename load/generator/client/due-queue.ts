import { Heap, type HeapEntry } from '../../../src/internal.ts';

/** Something that is to be done at a time. `atUs` may change only while it is not in the queue. */
export interface Due {
  atUs: number;
  run(): void;
}

interface QueuedDue extends HeapEntry {
  readonly due: Due;
  readonly atUs: number;
  readonly order: number;
}

/** The queue keeps what is to be done, the earliest first; of two with the same time, the one that was put in first. */
export class DueQueue {
  readonly #heap: Heap<QueuedDue> = new Heap((one, other) => one.atUs - other.atUs || one.order - other.order);
  #order: number = 0;

  get nextUs(): number {
    return this.#heap.first?.atUs ?? Infinity;
  }

  push(due: Due): void {
    this.#heap.push({ due, atUs: due.atUs, order: this.#order, heapIndex: -1 });
    this.#order += 1;
  }

  /** The earliest, when its time has come. */
  popUntil(nowUs: number): Due | undefined {
    const { first } = this.#heap;
    if (first === undefined || first.atUs > nowUs) return undefined;
    this.#heap.remove(first);
    return first.due;
  }
}
