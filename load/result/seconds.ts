import { noCounts, type LatencyName, type Tick, type TickCounts } from '../message.ts';
import { LatencyHistogram } from '../ledger/histogram.ts';

/** One second of all generators together. */
export interface Second {
  readonly second: number;
  readonly connected: number;
  readonly missing: number;
  readonly counts: TickCounts;
  readonly connect: LatencyHistogram;
  readonly fanout: LatencyHistogram;
  readonly fanoutFromSend: LatencyHistogram;
  readonly echo: LatencyHistogram;
  readonly prepare: LatencyHistogram;
  readonly lateness: LatencyHistogram;
  /** Of the generator that fares worst. */
  readonly health: Readonly<Record<string, number>>;
}

/** The latencies of one second as a small list each: a long run keeps thousands of them. */
type PlainSecond = Omit<Second, LatencyName> & { readonly cells: Readonly<Record<LatencyName, Float64Array>> };
const latencies: readonly LatencyName[] = ['connect', 'fanout', 'fanoutFromSend', 'echo', 'prepare', 'lateness'];

/** Puts the ticks of all generators together, second by second. */
export class Seconds {
  readonly #generators: number;
  readonly #arriving: Map<number, Tick[]> = new Map();
  readonly #complete: PlainSecond[] = [];

  constructor(generators: number) {
    this.#generators = generators;
  }

  get length(): number {
    return this.#complete.length;
  }

  /** True when this tick was the last one missing of its second. */
  add(tick: Tick): boolean {
    const ticks = this.#arriving.get(tick.second) ?? [];
    ticks.push(tick);
    this.#arriving.set(tick.second, ticks);
    if (ticks.length < this.#generators) return false;
    this.#arriving.delete(tick.second);
    this.#complete.push(merge(ticks));
    return true;
  }

  /** No more ticks will come: seconds that some generator did not live to see are taken as they are. */
  finish(): void {
    for (const second of [...this.#arriving.keys()].sort((one, other) => one - other)) {
      this.#complete.push(merge(this.#arriving.get(second) as Tick[]));
    }
    this.#arriving.clear();
  }

  at(index: number): Second {
    const { cells, ...rest } = this.#complete[index] as PlainSecond;
    const histograms = latencies.map((name) => [name, histogramOf(cells[name])] as const);
    return { ...rest, ...(Object.fromEntries(histograms) as Record<LatencyName, LatencyHistogram>) };
  }

  /** A latency of the seconds from `first` to `last`. */
  latency(name: string, first: number, last: number): LatencyHistogram {
    const whole = new LatencyHistogram();
    for (let index = Math.max(0, first); index <= last && index < this.#complete.length; index += 1) {
      const cells = (this.#complete[index] as PlainSecond).cells[name as LatencyName] as Float64Array | undefined;
      if (cells !== undefined) whole.addCells(cells);
    }
    return whole;
  }

  /** Counts of the seconds from `first` to `last`. */
  counts(first: number, last: number): TickCounts {
    const seconds = this.#complete.slice(Math.max(0, first), last + 1);
    return sumCounts(seconds.map(({ counts }) => counts));
  }

  connected(index: number): number {
    return (this.#complete[index] as PlainSecond | undefined)?.connected ?? 0;
  }
}

export function sumCounts(list: readonly TickCounts[]): TickCounts {
  const sum = noCounts();
  for (const counts of list) for (const key of Object.keys(sum) as (keyof TickCounts)[]) sum[key] += counts[key];
  return sum;
}

function merge(ticks: readonly Tick[]): PlainSecond {
  const health: Record<string, number> = {};
  for (const tick of ticks) {
    for (const [name, value] of Object.entries(tick.health)) health[name] = Math.max(health[name] ?? 0, value);
  }
  const cells = latencies.map((name) => {
    if (ticks.length === 1) return [name, (ticks[0] as Tick)[name]] as const;
    const whole = new LatencyHistogram();
    for (const tick of ticks) whole.addCells(tick[name]);
    return [name, whole.toCells()] as const;
  });
  return {
    second: (ticks[0] as Tick).second,
    connected: ticks.reduce((sum, { connected }) => sum + connected, 0),
    missing: ticks.reduce((sum, { missing }) => sum + missing, 0),
    counts: sumCounts(ticks.map(({ counts }) => counts)),
    cells: Object.fromEntries(cells) as Record<LatencyName, Float64Array>,
    health,
  };
}

function histogramOf(cells: Float64Array): LatencyHistogram {
  const histogram = new LatencyHistogram();
  histogram.addCells(cells);
  return histogram;
}
