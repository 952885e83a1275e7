import { Intervals } from './intervals.ts';

/** What became of one stamp at one receiver. */
export type StampOutcome = 'received' | 'late' | 'duplicate';

/**
 * The ledger knows which messages of a sender a receiver has: exact, without a window. A pair of a speaker and a
 * receiver costs 8 bytes, the first and the last sequence it has; only what is out of line (gaps, late and overtaken
 * messages) occupies more.
 *
 * Sequences count from 1. The order of arrival is the order of the calls.
 */
export class DeliveryLedger {
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;
  readonly #gaps: Map<number, Intervals> = new Map();
  readonly #late: Map<number, Intervals> = new Map();
  readonly #reordered: Map<number, Intervals> = new Map();
  #missing: number = 0;

  constructor(pairs: number) {
    this.#first = new Uint32Array(pairs);
    this.#last = new Uint32Array(pairs);
  }

  get pairs(): number {
    return this.#first.length;
  }

  /** Sequences that were skipped and have not come since. */
  get missing(): number {
    return this.#missing;
  }

  /** Enters one stamp. */
  record(pair: number, sequence: number, isLate: boolean): StampOutcome {
    const last = this.#last[pair] as number;
    if (last !== 0 && sequence === last + 1) this.#last[pair] = sequence;
    else if (!this.#enterOutOfLine(pair, sequence, last, isLate)) return 'duplicate';
    if (!isLate) return 'received';
    intervalsOf(this.#late, pair).add(sequence, sequence);
    return 'late';
  }

  /** The highest sequence that has come; 0 where none has. */
  lastOf(pair: number): number {
    return this.#last[pair] as number;
  }

  /** How many of the sequences `[from, to]` have come, late ones too. */
  countWithin(pair: number, from: number, to: number): number {
    const last = this.#last[pair] as number;
    if (last === 0) return 0;
    const low = Math.max(from, this.#first[pair] as number);
    const high = Math.min(to, last);
    if (low > high) return 0;
    return high - low + 1 - (this.#gaps.get(pair)?.countWithin(low, high) ?? 0);
  }

  lateWithin(pair: number, from: number, to: number): number {
    return this.#late.get(pair)?.countWithin(from, to) ?? 0;
  }

  /** On time, but after a later one of the same sender. */
  reorderedWithin(pair: number, from: number, to: number): number {
    return this.#reordered.get(pair)?.countWithin(from, to) ?? 0;
  }

  /** The least of the sequences `[from, to]` that has not come or came late. */
  firstLostWithin(pair: number, from: number, to: number): number | undefined {
    const candidates = [this.#late.get(pair)?.firstWithin(from, to), this.#gaps.get(pair)?.firstWithin(from, to)];
    const first = this.#first[pair] as number;
    const last = this.#last[pair] as number;
    if (last === 0 || from < first) candidates.push(from);
    else if (to > last) candidates.push(Math.max(from, last + 1));
    const found = candidates.filter((candidate) => candidate !== undefined);
    return found.length === 0 ? undefined : Math.min(...found);
  }

  firstReorderedWithin(pair: number, from: number, to: number): number | undefined {
    return this.#reordered.get(pair)?.firstWithin(from, to);
  }

  firstLateWithin(pair: number, from: number, to: number): number | undefined {
    return this.#late.get(pair)?.firstWithin(from, to);
  }

  /** Moves `count` pairs from `base` on into a ledger of their own and empties them here: a receiver begins anew. */
  detach(base: number, count: number): DeliveryLedger {
    const detached = new DeliveryLedger(count);
    detached.#first.set(this.#first.subarray(base, base + count));
    detached.#last.set(this.#last.subarray(base, base + count));
    this.#first.fill(0, base, base + count);
    this.#last.fill(0, base, base + count);
    for (let offset = 0; offset < count; offset += 1) {
      const gaps = this.#gaps.get(base + offset);
      if (gaps !== undefined) this.#missing -= gaps.countWithin(0, 2 ** 32);
      move(this.#gaps, base + offset, detached.#gaps, offset);
      move(this.#late, base + offset, detached.#late, offset);
      move(this.#reordered, base + offset, detached.#reordered, offset);
    }
    return detached;
  }

  /** False for a duplicate. */
  #enterOutOfLine(pair: number, sequence: number, last: number, isLate: boolean): boolean {
    if (last === 0) {
      this.#first[pair] = sequence;
      this.#last[pair] = sequence;
      return true;
    }
    if (sequence > last) {
      intervalsOf(this.#gaps, pair).add(last + 1, sequence - 1);
      this.#missing += sequence - last - 1;
      this.#last[pair] = sequence;
      return true;
    }
    const first = this.#first[pair] as number;
    if (sequence >= first) {
      const gaps = this.#gaps.get(pair);
      if (gaps === undefined || !gaps.remove(sequence)) return false;
      this.#missing -= 1;
      if (gaps.isEmpty) this.#gaps.delete(pair);
    } else {
      if (sequence + 1 < first) {
        intervalsOf(this.#gaps, pair).add(sequence + 1, first - 1);
        this.#missing += first - sequence - 1;
      }
      this.#first[pair] = sequence;
    }
    if (!isLate) intervalsOf(this.#reordered, pair).add(sequence, sequence);
    return true;
  }
}

function intervalsOf(map: Map<number, Intervals>, pair: number): Intervals {
  const known = map.get(pair);
  if (known !== undefined) return known;
  const made = new Intervals();
  map.set(pair, made);
  return made;
}

function move(from: Map<number, Intervals>, key: number, to: Map<number, Intervals>, newKey: number): void {
  const intervals = from.get(key);
  if (intervals === undefined) return;
  from.delete(key);
  to.set(newKey, intervals);
}
