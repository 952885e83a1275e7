import type { RunReport } from './run-report.ts';
import { roundOf, type Round } from './rounds.ts';
import { seeded } from '../../src/internal.ts';
import { adjustJointly, median, pseudoMedian, pseudoMedianInterval, signedRankProbability } from './statistics.ts';

/** The rule of a regression, docs/load.md. */
export const comparisonRule: { readonly roundsMin: number; readonly level: number; readonly changeMin: number } = {
  roundsMin: 12,
  level: 0.005,
  changeMin: 0.05,
};

/**
 * What came out for one metric.
 *
 * `change`, `low` and `high` are fractions of the first side (`0.2` is 20 % more); the interval holds the true change with
 * a confidence of 99.5 % for all metrics of the comparison together. `probability` is adjusted for their number.
 */
export interface MetricComparison {
  readonly metric: string;
  readonly better: 'lower' | 'higher';
  /** Medians over the rounds, in the metric's own unit. */
  readonly before: number;
  readonly after: number;
  readonly change: number;
  readonly low: number;
  readonly high: number;
  readonly probability: number;
  /** `same`: no difference was found, or none above the 5 % that matter. */
  readonly verdict: 'same' | 'better' | 'worse';
}

/** `undecided`: the rounds cannot carry a verdict; `reasons` says why. */
export interface Comparison {
  readonly verdict: 'same' | 'better' | 'regression' | 'undecided';
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  readonly rounds: number;
  readonly metrics: readonly MetricComparison[];
}

/**
 * Compares round `i` of one side with round `i` of the other, metric by metric.
 *
 * A metric is worse or better when the exact signed-rank test over the pairs finds a difference at a joint level of 0.5 %
 * for all metrics (Holm) and the change exceeds 5 %. Metrics that only one side has are left out; a surplus of rounds on one side too.
 * Works on the logarithm of ratios, so that 20 % up and 20 % down weigh the same and one bad round does not decide.
 */
export function compareRounds(before: readonly Round[], after: readonly Round[]): Comparison {
  const rounds = Math.min(before.length, after.length);
  const names = rounds === 0 ? [] : comparableNames([...before.slice(0, rounds), ...after.slice(0, rounds)]);
  const columns = names.map((name) => ({
    name,
    before: before.slice(0, rounds).map((round) => round[name] ?? Number.NaN),
    after: after.slice(0, rounds).map((round) => round[name] ?? Number.NaN),
  }));
  const ratios = columns.map((column) =>
    column.after.map((value, index) => logRatio(column.before[index] ?? 0, value)),
  );
  const probabilities = adjustJointly(ratios.map(signedRankProbability));
  const confidence = 1 - comparisonRule.level / Math.max(1, names.length);
  const metrics = columns.map((column, index): MetricComparison => {
    const differences = ratios[index] ?? [];
    const interval = pseudoMedianInterval(differences, confidence);
    const change = Math.expm1(pseudoMedian(differences));
    const probability = probabilities[index] ?? 1;
    const better = isHigherBetter(column.name) ? 'higher' : 'lower';
    const isFound =
      rounds >= comparisonRule.roundsMin &&
      probability <= comparisonRule.level &&
      Math.abs(change) > comparisonRule.changeMin;
    const isWorse = better === 'lower' ? change > 0 : change < 0;
    return {
      metric: column.name,
      better,
      before: median(column.before),
      after: median(column.after),
      change,
      low: Math.expm1(interval.low),
      high: Math.expm1(interval.high),
      probability,
      verdict: isFound ? (isWorse ? 'worse' : 'better') : 'same',
    };
  });
  return { rounds, metrics, notes: [], ...verdictOf(metrics, rounds) };
}

/**
 * Compares what two reports kept of their rounds (`load --rounds`, `compare --save`).
 * An invalid report, too few rounds, or rounds of different scenarios leave the comparison undecided.
 */
export function compareReports(before: RunReport, after: RunReport): Comparison {
  const comparison = compareRounds(before.rounds ?? [], after.rounds ?? []);
  const reasons: string[] = [];
  for (const [side, report] of [['first', before] as const, ['second', after] as const]) {
    if (report.verdict === 'invalid') reasons.push(`the ${side} run is invalid: ${report.reasons.join('; ')}`);
  }
  if (before.scenario !== after.scenario) {
    reasons.push(`the runs are of different scenarios, ${quote(before.scenario)} and ${quote(after.scenario)}`);
  }
  const notes: string[] = [];
  if (before.environment['pairing'] === undefined || before.environment['pairing'] !== after.environment['pairing']) {
    notes.push(
      'these rounds did not take turns, so a drift of the machine between the two runs counts as a difference; ' +
        '`channelbox compare <scenario> --target A --target B` lets them take turns',
    );
  }
  if (before.seed !== after.seed) notes.push(`the seeds differ (${before.seed} and ${after.seed})`);
  if (reasons.length === 0) return { ...comparison, notes };
  return { ...comparison, verdict: 'undecided', reasons: [...reasons, ...comparison.reasons], notes };
}

/** One side of a comparison by turns. */
export type Side = 'first' | 'second';

export interface TurnsOptions {
  /** Valid pairs to collect; at least 12 for a verdict. */
  readonly rounds: number;
  /** Decides who goes first in each round. */
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onRound?: (done: number, comparison: Comparison) => void;
}

export interface Turns {
  readonly comparison: Comparison;
  /** The valid rounds, in pairs. */
  readonly first: readonly RunReport[];
  readonly second: readonly RunReport[];
  /** Pairs that were thrown away because one of them was invalid, with the reasons. */
  readonly discarded: readonly string[];
  readonly isInterrupted: boolean;
}

/**
 * Lets two sides take turns: each round runs both, in an order drawn from the seed, so that drift hits both alike.
 * A pair with an invalid run is repeated, at most `rounds` more times in all. It says nothing about either side.
 */
export async function compareInTurns(run: (side: Side) => Promise<RunReport>, options: TurnsOptions): Promise<Turns> {
  const random = seeded(options.seed);
  const kept: Record<Side, RunReport[]> = { first: [], second: [] };
  const discarded: string[] = [];
  const isInterrupted = (): boolean => options.signal?.aborted ?? false;
  const present = (): Comparison => compareRounds(kept.first.map(roundOf), kept.second.map(roundOf));
  while (kept.first.length < options.rounds && discarded.length <= options.rounds && !isInterrupted()) {
    const order: readonly Side[] = random() < 0.5 ? ['first', 'second'] : ['second', 'first'];
    const pair = new Map<Side, RunReport>();
    for (const side of order) {
      if (!isInterrupted()) pair.set(side, await run(side));
    }
    const first = pair.get('first');
    const second = pair.get('second');
    if (first === undefined || second === undefined || isInterrupted()) break;
    const invalid = [first, second].find((report) => report.verdict === 'invalid');
    if (invalid?.verdict === 'invalid') {
      discarded.push(invalid.reasons.join('; '));
      continue;
    }
    kept.first.push(first);
    kept.second.push(second);
    options.onRound?.(kept.first.length, present());
  }
  return { ...kept, discarded, comparison: withTurns(present(), kept, discarded), isInterrupted: isInterrupted() };
}

function withTurns(
  comparison: Comparison,
  kept: Readonly<Record<Side, readonly RunReport[]>>,
  discarded: readonly string[],
): Comparison {
  const notes: string[] = [];
  for (const side of ['first', 'second'] as const) {
    const failed = kept[side].filter((report) => report.verdict === 'fail');
    const sample = failed[0];
    if (sample?.verdict !== 'fail') continue;
    notes.push(
      `${failed.length} of ${kept[side].length} rounds of the ${side} side failed: ${sample.reasons.join('; ')}`,
    );
  }
  if (discarded.length === 0) return { ...comparison, notes };
  const sample = discarded.at(-1) ?? '';
  notes.push(`${discarded.length} pairs of rounds were invalid and run again, the last one because ${sample}`);
  return { ...comparison, notes };
}

function verdictOf(
  metrics: readonly MetricComparison[],
  rounds: number,
): { verdict: Comparison['verdict']; reasons: readonly string[] } {
  if (rounds < comparisonRule.roundsMin) {
    const advice = 'run `channelbox compare` with two targets, or `channelbox load --rounds 12` for each file';
    const came = rounds === 0 ? 'the two sides share no rounds' : `${rounds} pairs of rounds`;
    return { verdict: 'undecided', reasons: [`${came}; a verdict needs ${comparisonRule.roundsMin}: ${advice}`] };
  }
  if (metrics.length === 0) {
    return { verdict: 'undecided', reasons: ['the rounds of the two sides have no metric in common'] };
  }
  const worse = metrics.filter((metric) => metric.verdict === 'worse');
  if (worse.length > 0) {
    return {
      verdict: 'regression',
      reasons: worse.map((m) => `${m.metric} ${signed(m.change)} (p ${m.probability.toPrecision(2)})`),
    };
  }
  if (metrics.some((metric) => metric.verdict === 'better')) return { verdict: 'better', reasons: [] };
  // What was not shown need not be absent: the interval says how large it may still be.
  const left = metrics.map(({ metric, low, high }) => `${metric} ${signed(low)} … ${signed(high)}`);
  return { verdict: 'same', reasons: [`no difference shown; the data leave ${left.join(', ')}`] };
}

/**
 * Percentiles and throughput that every round has, in the order of the first round. Other numbers of a round describe it:
 * testing them as well would cost the others their power.
 */
function comparableNames(rounds: readonly Round[]): readonly string[] {
  return Object.keys(rounds[0] ?? {}).filter(
    (name) => /p\d\d+$|throughput/i.test(name) && rounds.every((round) => Number.isFinite(round[name])),
  );
}

function isHigherBetter(metric: string): boolean {
  return /throughput|persecond|rate|delivered|received|published|connected/i.test(metric);
}

/** Differences below a microsecond (or a thousandth per second) are below what is measured. */
const resolution = 0.001;

function logRatio(before: number, after: number): number {
  return Math.log(Math.max(after, resolution) / Math.max(before, resolution));
}

/** `+20.0 %` */
export function signed(fraction: number): string {
  if (!Number.isFinite(fraction)) return fraction > 0 ? '+∞' : '−∞';
  return `${fraction < 0 ? '−' : '+'}${(Math.abs(fraction) * 100).toFixed(1)} %`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
