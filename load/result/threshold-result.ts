import type { LatencyHistogram } from '../ledger/histogram.ts';
import type { RunSummary } from '../plan/run-summary.ts';
import type { ThresholdResult } from './run-report.ts';
import type { Seconds } from './seconds.ts';
import { holds, type Threshold } from '../scenario/threshold.ts';

/** What the thresholds are held against. */
export interface Observed {
  readonly counters: Readonly<Record<string, number>>;
  readonly latencies: Readonly<Record<string, LatencyHistogram>>;
  readonly seconds: Seconds;
  /** Seconds that belong to the warm-up. */
  readonly warmupSeconds: number;
}

/** A latency breaks its threshold where nothing was measured of it: a run that proves nothing does not pass. */
export function judge(thresholds: readonly Threshold[], observed: Observed): ThresholdResult[] {
  return thresholds.map((threshold) => {
    if (threshold.overMs !== undefined) {
      const values = windows(threshold, observed.seconds, observed.warmupSeconds);
      const worst = worstOf(threshold, values);
      if (worst !== undefined)
        return { expression: threshold.expression, observed: worst, passed: holds(threshold, worst) };
    }
    const value = wholeRun(threshold, observed);
    if (value === undefined) return { expression: threshold.expression, observed: 0, passed: false };
    return { expression: threshold.expression, observed: value, passed: holds(threshold, value) };
  });
}

/** The first threshold with `abort` that is broken by now. */
export function brokenEarly(summary: RunSummary, seconds: Seconds): string | undefined {
  const warmupSeconds = Math.ceil(summary.warmupMs / 1_000);
  const last = seconds.length - 1;
  if (last < warmupSeconds) return undefined;
  return summary.thresholds.find((threshold) => {
    if (!threshold.abort) return false;
    const span = threshold.overMs === undefined ? Infinity : Math.round(threshold.overMs / 1_000);
    const first = span === Infinity ? warmupSeconds : last - span + 1;
    if (first < warmupSeconds) return false;
    const value = within(threshold, seconds, first, last);
    return value !== undefined && isFinal(threshold) && !holds(threshold, value);
  })?.expression;
}

/** A counter that has to grow to something is not broken while it can still grow. */
function isFinal(threshold: Threshold): boolean {
  return (
    threshold.overMs !== undefined ||
    threshold.percentile !== undefined ||
    threshold.operator === '<' ||
    threshold.operator === '<=' ||
    (threshold.operator === '==' && threshold.value === 0)
  );
}

function wholeRun(threshold: Threshold, { counters, latencies }: Observed): number | undefined {
  if (threshold.percentile === undefined) return counters[threshold.metric];
  const histogram = latencies[threshold.metric];
  return histogram === undefined ? undefined : valueOf(threshold, histogram);
}

function valueOf({ percentile }: Threshold, histogram: LatencyHistogram): number | undefined {
  if (percentile === 'count') return histogram.count;
  if (histogram.count === 0) return undefined;
  if (percentile === 'min') return histogram.minMs;
  if (percentile === 'max') return histogram.maxMs;
  return histogram.percentileMs(percentile as number);
}

/** The value in every window; none where the run is shorter than one. */
function windows(threshold: Threshold, seconds: Seconds, warmupSeconds: number): number[] {
  const span = Math.round((threshold.overMs as number) / 1_000);
  const values: number[] = [];
  for (let last = warmupSeconds + span - 1; last < seconds.length; last += 1) {
    const value = within(threshold, seconds, last - span + 1, last);
    if (value !== undefined) values.push(value);
  }
  return values;
}

function within(threshold: Threshold, seconds: Seconds, first: number, last: number): number | undefined {
  if (threshold.percentile !== undefined) return valueOf(threshold, seconds.latency(threshold.metric, first, last));
  const counts = seconds.counts(first, last);
  switch (threshold.metric) {
    case 'connected':
      return counts.opened;
    case 'peak':
      return Math.max(...Array.from({ length: last - first + 1 }, (_, index) => seconds.connected(first + index)));
    default:
      return (counts as unknown as Readonly<Record<string, number>>)[threshold.metric];
  }
}

/** The value that is furthest on the wrong side. */
function worstOf(threshold: Threshold, values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  if (threshold.operator === '>' || threshold.operator === '>=') return Math.min(...values);
  if (threshold.operator === '<' || threshold.operator === '<=') return Math.max(...values);
  return values.find((value) => !holds(threshold, value)) ?? (values[0] as number);
}
