/** A heap keeps what is due first at its top, and each entry knows its own place there. */

/** What a heap holds: it knows its own place there. */
export interface HeapEntry {
  /** Kept by the heap; start with -1, nowhere. */
  heapIndex: number;
}

/** A binary heap: the first by an order, and any entry out again, in O(log n). */
export class Heap<T extends HeapEntry> {
  readonly #entries: T[] = [];
  readonly #order: (one: T, other: T) => number;

  /** @param order negative where `one` comes first; never 0 for two entries */
  constructor(order: (one: T, other: T) => number) {
    this.#order = order;
  }

  get size(): number {
    return this.#entries.length;
  }

  get first(): T | undefined {
    return this.#entries[0];
  }

  push(entry: T): void {
    entry.heapIndex = this.#entries.length;
    this.#entries.push(entry);
    this.#rise(entry);
  }

  /** Takes an entry out; one that is in no heap stays so. */
  remove(entry: T): void {
    const { heapIndex } = entry;
    if (heapIndex < 0) return;
    entry.heapIndex = -1;
    const last = this.#entries.pop() as T;
    if (last === entry) return;
    last.heapIndex = heapIndex;
    this.#entries[heapIndex] = last;
    this.#rise(last);
    this.#sink(last);
  }

  /** All of them in order; the heap keeps them. */
  sorted(): T[] {
    return this.#entries.toSorted(this.#order);
  }

  #rise(entry: T): void {
    const entries = this.#entries;
    let at = entry.heapIndex;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = entries[parentAt] as T;
      if (this.#order(parent, entry) < 0) break;
      this.#put(parent, at);
      at = parentAt;
    }
    this.#put(entry, at);
  }

  #sink(entry: T): void {
    const entries = this.#entries;
    let at = entry.heapIndex;
    for (;;) {
      const left = entries[2 * at + 1];
      const right = entries[2 * at + 2];
      const child = right !== undefined && left !== undefined && this.#order(right, left) < 0 ? right : left;
      if (child === undefined || this.#order(entry, child) < 0) break;
      const childAt = child.heapIndex;
      this.#put(child, at);
      at = childAt;
    }
    this.#put(entry, at);
  }

  #put(entry: T, at: number): void {
    entry.heapIndex = at;
    this.#entries[at] = entry;
  }
}
