import type { LatencyHistogram } from './histogram.ts';

/** Messages whose last receiver is looked for, at most about so many in each process. */
const samplesMax = 20_000;

/** A sender and a sequence as one number. */
const sequencesPerSender = 2 ** 29;

/**
 * This measures how long a message takes to its last receiver. Of a long run every n-th message of each sender is
 * followed: the same ones in each process, so that what they saw can be put together exactly.
 */
export class LastReceivers {
  readonly #stride: number;
  readonly #seen: Map<number, { readonly intendedUs: number; lastUs: number }> = new Map();

  constructor(plannedMessages: number) {
    this.#stride = Math.max(1, Math.ceil(plannedMessages / samplesMax));
  }

  record(sender: number, sequence: number, intendedUs: number, arrivedUs: number): void {
    if ((sequence + sender) % this.#stride !== 0) return;
    const key = sender * sequencesPerSender + sequence;
    const seen = this.#seen.get(key);
    if (seen === undefined) this.#seen.set(key, { intendedUs, lastUs: arrivedUs });
    else if (arrivedUs > seen.lastUs) seen.lastUs = arrivedUs;
  }

  /** Key, intended, last arrival, in turn. */
  toPlain(): Float64Array {
    const plain = new Float64Array(this.#seen.size * 3);
    let at = 0;
    for (const [key, { intendedUs, lastUs }] of this.#seen) {
      plain[at] = key;
      plain[at + 1] = intendedUs;
      plain[at + 2] = lastUs;
      at += 3;
    }
    return plain;
  }

  /** The latest of what all processes saw, into a histogram. */
  static merge(parts: readonly Float64Array[], into: LatencyHistogram): void {
    const latest = new Map<number, number>();
    for (const part of parts) {
      for (let at = 0; at + 2 < part.length; at += 3) {
        const key = part[at] as number;
        latest.set(key, Math.max(latest.get(key) ?? 0, (part[at + 2] as number) - (part[at + 1] as number)));
      }
    }
    for (const us of latest.values()) into.recordUs(us);
  }
}
