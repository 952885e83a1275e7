import { createRequire } from 'node:module';
import * as hdr from 'hdr-histogram-js';

// The package is CommonJS; a bundler and Node disagree about where its names are.
const { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } = library();

/** 60 s, in microseconds. */
const highestUs = 60_000_000;
/** Three digits: 2048 steps to each doubling. */
const halfSteps = 1_024;
const cells = cellOf(highestUs) + 1;
const nothing = new Float64Array(0);

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * A histogram counts latencies from 1 µs to 60 s in three digits, in the cells of an HDR histogram. Merging and
 * writing lose nothing. A longer latency counts as 60 s.
 */
export class LatencyHistogram {
  /** Without cells until something is counted: of a second most latencies have no value, and a run has thousands of seconds. */
  #counts: Float64Array = nothing;
  #count: number = 0;

  get count(): number {
    return this.#count;
  }

  recordUs(us: number, times: number = 1): void {
    if (this.#counts === nothing) this.#counts = new Float64Array(cells);
    const cell = cellOf(us < 0 ? 0 : us > highestUs ? highestUs : Math.round(us));
    this.#counts[cell] = (this.#counts[cell] as number) + times;
    this.#count += times;
  }

  add(other: LatencyHistogram): void {
    if (other.#count === 0) return;
    if (this.#counts === nothing) this.#counts = new Float64Array(cells);
    for (let cell = 0; cell < cells; cell += 1) {
      const count = other.#counts[cell] as number;
      if (count > 0) this.#counts[cell] = (this.#counts[cell] as number) + count;
    }
    this.#count += other.#count;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }

  /** Cell, count, cell, count, … of what is not 0: what processes tell one another. */
  toCells(): Float64Array {
    const pairs: number[] = [];
    for (let cell = 0; cell < this.#counts.length; cell += 1) {
      const count = this.#counts[cell] as number;
      if (count > 0) pairs.push(cell, count);
    }
    return Float64Array.from(pairs);
  }

  addCells(pairs: Float64Array): void {
    if (pairs.length > 0 && this.#counts === nothing) this.#counts = new Float64Array(cells);
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const cell = pairs[at] as number;
      const count = pairs[at + 1] as number;
      this.#counts[cell] = (this.#counts[cell] as number) + count;
      this.#count += count;
    }
  }

  /** Milliseconds at a percentile of 0…100: the highest value that falls into the same cell. 0 where there is none. */
  percentileMs(percentile: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil((percentile / 100) * this.#count - 1e-9));
    let seen = 0;
    for (let cell = 0; cell < cells; cell += 1) {
      seen += this.#counts[cell] as number;
      if (seen >= rank) return highestOf(cell) / 1_000;
    }
    return highestUs / 1_000;
  }

  get minMs(): number {
    const cell = this.#counts.findIndex((count) => count > 0);
    return cell < 0 ? 0 : lowestOf(cell) / 1_000;
  }

  get maxMs(): number {
    const cell = this.#counts.findLastIndex((count) => count > 0);
    return cell < 0 ? 0 : highestOf(cell) / 1_000;
  }

  percentiles(): Percentiles {
    return {
      count: this.#count,
      min: this.minMs,
      p50: this.percentileMs(50),
      p90: this.percentileMs(90),
      p95: this.percentileMs(95),
      p99: this.percentileMs(99),
      p999: this.percentileMs(99.9),
      max: this.maxMs,
    };
  }

  /** HDR V2, compressed, base64: any HDR library reads it, in microseconds. */
  encode(): string {
    const histogram = build({
      bitBucketSize: 64,
      lowestDiscernibleValue: 1,
      highestTrackableValue: highestUs,
      numberOfSignificantValueDigits: 3,
    });
    for (let cell = 0; cell < this.#counts.length; cell += 1) {
      const count = this.#counts[cell] as number;
      if (count > 0) histogram.recordValueWithCount(Math.min(lowestOf(cell), highestUs), count);
    }
    return encodeIntoCompressedBase64(histogram);
  }

  /** What `encode` wrote, or any HDR histogram in microseconds of at most three digits. */
  static decode(base64: string): LatencyHistogram {
    const result = new LatencyHistogram();
    const source = decodeFromCompressedBase64(base64, 64);
    const iterator = (source as unknown as { recordedValuesIterator: RecordedValues }).recordedValuesIterator;
    iterator.reset();
    while (iterator.hasNext()) {
      const { valueIteratedTo, countAddedInThisIterationStep } = iterator.next();
      result.recordUs(valueIteratedTo, countAddedInThisIterationStep);
    }
    return result;
  }
}

interface RecordedValues {
  reset(): void;
  hasNext(): boolean;
  next(): { readonly valueIteratedTo: number; readonly countAddedInThisIterationStep: number };
}

/** Below 2048 one cell a microsecond; above, 1024 cells to each doubling. */
function cellOf(us: number): number {
  const doublings = Math.max(0, 21 - Math.clz32(us));
  return doublings * halfSteps + (us >>> doublings);
}

function lowestOf(cell: number): number {
  const doublings = Math.max(0, Math.floor(cell / halfSteps) - 1);
  return (cell - doublings * halfSteps) * 2 ** doublings;
}

function highestOf(cell: number): number {
  return lowestOf(cell + 1) - 1;
}

function library(): typeof hdr {
  if ('build' in hdr) return hdr;
  return createRequire(import.meta.url)('hdr-histogram-js') as typeof hdr;
}
