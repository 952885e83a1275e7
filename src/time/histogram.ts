/** Counts observations in buckets, as OpenMetrics wants them: each bucket has all that are at most its bound. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** Made by the first observation: most apps of a test never make one. */
  #counts: number[] = [];
  #sum = 0;

  /** @param bounds rising; what is above the last is counted too */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  observe(value: number): void {
    if (this.#counts.length === 0) this.#counts = Array.from({ length: this.#bounds.length + 1 }, () => 0);
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  get buckets(): Buckets {
    let count = 0;
    const atMost = this.#bounds.map((bound, at) => [bound, (count += this.#counts[at] ?? 0)] as const);
    return { atMost, count: count + (this.#counts[this.#bounds.length] ?? 0), sum: this.#sum };
  }
}

/** What a histogram holds at one moment. */
export interface Buckets {
  /** For each bound how many were at most that. */
  readonly atMost: readonly (readonly [bound: number, count: number])[];
  readonly count: number;
  readonly sum: number;
}
