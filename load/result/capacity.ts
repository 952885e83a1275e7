import type { RunReport } from './run-report.ts';

/** What a search varies: the number of clients, or publishes a second of each speaker. */
export type CapacityUnit = 'clients' | 'rate';

export interface CapacityOptions {
  readonly unit: CapacityUnit;
  /** Where the search begins; also the least that a search tries. */
  readonly min: number;
  /** The most that a search tries. */
  readonly max: number;
  /** How close the two ends have to come before they are confirmed, as a fraction of the upper one. */
  readonly precision: number;
  /** How often each end must hold, or break, before it stands. */
  readonly repeats: number;
  readonly signal?: AbortSignal;
  readonly onProbe?: (probe: Trial, soFar: Bounds) => void;
}

/** One run of the search. */
export interface Trial {
  readonly size: number;
  /** `invalid`: the generator could not tell; neither a success nor a failure of the server. */
  readonly outcome: 'holds' | 'breaks' | 'invalid';
  readonly reasons: readonly string[];
}

/** What the search has seen so far; undefined where nothing has. */
export interface Bounds {
  readonly holds: number | undefined;
  readonly breaks: number | undefined;
}

/**
 * A search found this interval.
 *
 * - `found`: every run at `holds` met the thresholds, every run at `breaks` failed them; the capacity lies between.
 * - `at-least`: every run at `holds` passed and the search ended at `max` without finding a size that fails every time.
 * - `below`: not even `min` holds every time.
 * - `generator`: above `holds` the *generator* gave out, so nothing is known of the server; `reasons` say how.
 * - `interrupted`: what was known by then.
 */
export interface Capacity {
  readonly outcome: 'found' | 'at-least' | 'below' | 'generator' | 'interrupted';
  readonly unit: CapacityUnit;
  readonly holds: number | undefined;
  readonly breaks: number | undefined;
  readonly reasons: readonly string[];
  readonly probes: readonly Trial[];
  /** Runs that could not tell. */
  readonly invalid: number;
}

/**
 * Finds the largest size that meets the thresholds, as an interval.
 *
 * First one run a size: doubling from `min` until one breaks, then halving the gap down to `precision`. Then both ends are
 * repeated: an end that does not say the same `repeats` times moves outwards, in steps that double, until it does. So a noisy server gets
 * a wide interval and a steady one a narrow one, and no single lucky or unlucky run decides.
 *
 * @param run one run at a size. Its verdict counts: `pass` holds, `fail` breaks, `invalid` is tried once more and then
 * bounds the search without being held against the server.
 */
export async function findCapacity(
  run: (size: number) => Promise<RunReport>,
  options: CapacityOptions,
): Promise<Capacity> {
  const search = new CapacitySearch(run, options);
  try {
    await search.narrow();
    await search.confirmHolds();
    await search.confirmBreaks();
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return search.result('interrupted');
  }
  return search.result();
}

/** Thrown inside a search whose signal has aborted; never leaves this file. */
class Interrupted extends Error {
  override readonly name: string = 'Interrupted';
}

interface TrialTally {
  holds: number;
  breaks: number;
  invalid: number;
  reasons: readonly string[];
}

class CapacitySearch {
  readonly #run: (size: number) => Promise<RunReport>;
  readonly #options: CapacityOptions;
  readonly #tallies = new Map<number, TrialTally>();
  readonly #probes: Trial[] = [];
  #holds: number | undefined;
  #breaks: number | undefined;
  /** The smallest size at which the generator gave out. */
  #ceiling = Infinity;

  constructor(run: (size: number) => Promise<RunReport>, options: CapacityOptions) {
    this.#run = run;
    this.#options = options;
  }

  /** One run a size: doubles, then halves the gap. */
  async narrow(): Promise<void> {
    const { min, max } = this.#options;
    for (let size = min; ; size = Math.min(max, this.#ceiling, size * 2)) {
      const outcome = await this.#probe(size);
      if (outcome === 'breaks') this.#breaks = size;
      if (outcome !== 'holds') break;
      this.#holds = size;
      if (size >= max) return;
    }
    if (this.#holds !== undefined) await this.#halve();
  }

  async #halve(): Promise<void> {
    for (;;) {
      const low = this.#holds ?? this.#options.min;
      const high = Math.min(this.#breaks ?? Infinity, this.#ceiling);
      const middle = this.#round((low + high) / 2);
      if (high - low <= high * this.#options.precision || middle <= low || middle >= high) return;
      const outcome = await this.#probe(middle);
      if (outcome === 'holds') this.#holds = middle;
      if (outcome === 'breaks') this.#breaks = middle;
    }
  }

  /** Moves the lower end down until it holds every time. */
  async confirmHolds(): Promise<void> {
    let step = this.#step();
    while (this.#holds !== undefined) {
      const size = this.#holds;
      const outcome = await this.#repeat(size, 'holds');
      if (outcome === 'holds') return;
      if (size <= this.#options.min) {
        this.#holds = undefined;
        return;
      }
      this.#holds = Math.max(this.#options.min, this.#round(size - step));
      if (this.#holds >= size) this.#holds = this.#options.min;
      step *= 2;
    }
  }

  /** Moves the upper end up until it breaks every time; it begins at the smallest size that has failed so far. */
  async confirmBreaks(): Promise<void> {
    this.#breaks = this.#leastFailed();
    let step = this.#step();
    while (this.#breaks !== undefined && this.#breaks < this.#ceiling) {
      const size = this.#breaks;
      const outcome = await this.#repeat(size, 'breaks');
      if (outcome === 'breaks') return;
      if (outcome === 'invalid' || size >= this.#options.max) {
        this.#breaks = undefined;
        return;
      }
      const next = Math.max(this.#round(size + step), this.#round(size) + this.#grain());
      this.#breaks = Math.min(this.#options.max, next, this.#nextFailed(size));
      step *= 2;
    }
  }

  /** Above what holds every time: a size that failed once is a better guess than any that was never tried. */
  #leastFailed(): number | undefined {
    const failed = [...this.#tallies].filter(([size, { breaks }]) => breaks > 0 && size > (this.#holds ?? 0));
    return failed.length === 0 ? this.#breaks : Math.min(...failed.map(([size]) => size));
  }

  #nextFailed(above: number): number {
    const failed = [...this.#tallies].filter(([size, { breaks }]) => breaks > 0 && size > above);
    return Math.min(Infinity, ...failed.map(([size]) => size));
  }

  result(ended?: 'interrupted'): Capacity {
    const invalid = this.#probes.filter((probe) => probe.outcome === 'invalid').length;
    const breaks = this.#breaks !== undefined && this.#breaks < this.#ceiling ? this.#breaks : undefined;
    const known = { unit: this.#options.unit, holds: this.#holds, breaks, probes: this.#probes, invalid };
    const outcome = ended ?? this.#outcome(breaks);
    return { ...known, outcome, reasons: this.#reasons(outcome, breaks) };
  }

  #outcome(breaks: number | undefined): Exclude<Capacity['outcome'], 'interrupted'> {
    if (breaks !== undefined) return this.#holds === undefined ? 'below' : 'found';
    return this.#ceiling < Infinity ? 'generator' : 'at-least';
  }

  #reasons(outcome: Capacity['outcome'], breaks: number | undefined): readonly string[] {
    if (outcome === 'generator') return this.#tallies.get(this.#ceiling)?.reasons ?? [];
    return breaks === undefined ? [] : (this.#tallies.get(breaks)?.reasons ?? []);
  }

  /** Runs until `repeats` runs have said `wanted`, or one has said otherwise. */
  async #repeat(size: number, wanted: 'holds' | 'breaks'): Promise<Trial['outcome']> {
    const other = wanted === 'holds' ? 'breaks' : 'holds';
    for (;;) {
      const tally = this.#tally(size);
      if (tally[other] > 0) return other;
      if (tally[wanted] >= this.#options.repeats) return wanted;
      if ((await this.#probe(size)) === 'invalid') return 'invalid';
    }
  }

  /** One run, and a second one where the first could not tell. */
  async #probe(size: number): Promise<Trial['outcome']> {
    const first = await this.#runOnce(size);
    const outcome = first === 'invalid' ? await this.#runOnce(size) : first;
    if (outcome === 'invalid') this.#ceiling = Math.min(this.#ceiling, size);
    return outcome;
  }

  async #runOnce(size: number): Promise<Trial['outcome']> {
    if (this.#options.signal?.aborted) throw new Interrupted('the search was interrupted');
    const report = await this.#run(size);
    if (this.#options.signal?.aborted) throw new Interrupted('the search was interrupted');
    const outcome = report.verdict === 'pass' ? 'holds' : report.verdict === 'fail' ? 'breaks' : 'invalid';
    const reasons = report.verdict === 'pass' ? [] : report.reasons;
    const tally = this.#tally(size);
    tally[outcome] += 1;
    if (reasons.length > 0) tally.reasons = reasons;
    const probe: Trial = { size, outcome, reasons };
    this.#probes.push(probe);
    this.#options.onProbe?.(probe, { holds: this.#holds, breaks: this.#breaks });
    return outcome;
  }

  #tally(size: number): TrialTally {
    const known = this.#tallies.get(size);
    if (known !== undefined) return known;
    const tally: TrialTally = { holds: 0, breaks: 0, invalid: 0, reasons: [] };
    this.#tallies.set(size, tally);
    return tally;
  }

  #step(): number {
    const end = this.#breaks ?? this.#holds ?? this.#options.min;
    return Math.max(this.#grain(), end * this.#options.precision);
  }

  /** Clients are whole; a rate is read to three digits. */
  #round(size: number): number {
    return this.#options.unit === 'clients' ? Math.round(size) : Number(size.toPrecision(3));
  }

  #grain(): number {
    return this.#options.unit === 'clients' ? 1 : 0.001;
  }
}
