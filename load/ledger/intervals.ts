/**
 * A set of whole numbers is kept as a sorted list of ranges `[from, to]`, both ends within. It occupies memory by its
 * ranges, not by its members: what is regular costs nothing.
 */
export class Intervals {
  /** from, to, from, to, … */
  readonly #ends: number[] = [];

  get isEmpty(): boolean {
    return this.#ends.length === 0;
  }

  /** How many ranges there are. */
  get ranges(): number {
    return this.#ends.length / 2;
  }

  has(value: number): boolean {
    const at = this.#firstEndingAtOrAfter(value);
    return at < this.#ends.length && (this.#ends[at] as number) <= value;
  }

  /** Adds a range; overlapping and touching ones become one. */
  add(from: number, to: number): void {
    const ends = this.#ends;
    let at = this.#firstEndingAtOrAfter(from - 1);
    let low = from;
    let high = to;
    const begin = at;
    while (at < ends.length && (ends[at] as number) <= to + 1) {
      low = Math.min(low, ends[at] as number);
      high = Math.max(high, ends[at + 1] as number);
      at += 2;
    }
    ends.splice(begin, at - begin, low, high);
  }

  /** Takes one number out; false when it was not in. */
  remove(value: number): boolean {
    const ends = this.#ends;
    const at = this.#firstEndingAtOrAfter(value);
    if (at >= ends.length || (ends[at] as number) > value) return false;
    const low = ends[at] as number;
    const high = ends[at + 1] as number;
    if (low === high) ends.splice(at, 2);
    else if (low === value) ends[at] = value + 1;
    else if (high === value) ends[at + 1] = value - 1;
    else ends.splice(at, 2, low, value - 1, value + 1, high);
    return true;
  }

  /** How many members lie within `[from, to]`. */
  countWithin(from: number, to: number): number {
    let count = 0;
    for (let at = this.#firstEndingAtOrAfter(from); at < this.#ends.length; at += 2) {
      const low = Math.max(from, this.#ends[at] as number);
      const high = Math.min(to, this.#ends[at + 1] as number);
      if (low > to) break;
      count += Math.max(0, high - low + 1);
    }
    return count;
  }

  /** The least member within `[from, to]`, or undefined. */
  firstWithin(from: number, to: number): number | undefined {
    const at = this.#firstEndingAtOrAfter(from);
    if (at >= this.#ends.length) return undefined;
    const low = Math.max(from, this.#ends[at] as number);
    return low <= to ? low : undefined;
  }

  #firstEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.#ends.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle * 2 + 1] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low * 2;
  }
}
