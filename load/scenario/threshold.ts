import { parseDuration } from '../../src/internal.ts';

/**
 * A threshold is one condition of a scenario: `<metric> <operator> <value> [over <duration>] [abort]`. A latency takes
 * a percentile (`fanout.p99`, `connect.p99.9`, `echo.max`) and a value with a unit, milliseconds where it has none.
 */
export interface Threshold {
  readonly expression: string;
  /** A counter's name, or a latency's. */
  readonly metric: string;
  /** Of a latency: 0…100, `min`, `max` or `count`; absent for a counter. */
  readonly percentile?: number | 'min' | 'max' | 'count';
  readonly operator: '<' | '<=' | '>' | '>=' | '==' | '!=';
  /** Milliseconds for a latency. */
  readonly value: number;
  /** The condition holds in every window of this length, not over the run as a whole. */
  readonly overMs?: number;
  /** The run ends as soon as the condition is broken. */
  readonly abort: boolean;
}

export const latencyNames: readonly string[] = [
  'connect',
  'fanout',
  'fanoutFromSend',
  'lastReceiver',
  'echo',
  'prepare',
];
export const ledgerCounters: readonly string[] = [
  'published',
  'expected',
  'received',
  'lost',
  'duplicated',
  'reordered',
  'misrouted',
  'corrupt',
  'late',
  'indeterminate',
];
export const clientCounters: readonly string[] = ['intended', 'connected', 'refused', 'dropped', 'reconnected', 'peak'];

/** What can be told while the run is under way; the others are decided when it is over and every log is there. */
const liveCounters: readonly string[] = ['published', 'duplicated', 'misrouted', 'corrupt', ...clientCounters];

export const metricNames: readonly string[] = [...ledgerCounters, ...clientCounters, ...latencyNames];

const form =
  /^\s*([A-Za-z]+)(?:\.(min|max|count|p\d+(?:\.\d+)?))?\s*(<=|>=|==|!=|<|>)\s*(\d+(?:\.\d+)?|\.\d+)\s*(us|ms|s|m|h)?(?:\s+over\s+(\S+))?(\s+abort)?\s*$/;
const example = "write for example 'fanout.p99 < 50ms', 'lost == 0' or 'connect.p95 < 1s over 10s abort'";

/** A threshold, or what is wrong with it in a sentence. */
export function parseThreshold(expression: string): Threshold | { readonly problem: string; readonly word?: string } {
  const match = form.exec(expression);
  if (match === null) return { problem: `${JSON.stringify(expression)} is no threshold; ${example}` };
  const [, metric = '', percentileText, operator = '', number = '', unit, over, abort] = match;
  const isLatency = latencyNames.includes(metric);
  const isCounter = ledgerCounters.includes(metric) || clientCounters.includes(metric);
  if (!isLatency && !isCounter) return { problem: `there is no metric ${JSON.stringify(metric)}`, word: metric };
  if (isLatency && percentileText === undefined)
    return { problem: `${metric} is a latency and needs a percentile: ${metric}.p99` };
  if (isCounter && percentileText !== undefined)
    return { problem: `${metric} is a counter and has no percentile: write ${metric} ${operator} ${number}` };
  if (unit !== undefined && (isCounter || percentileText === 'count'))
    return { problem: `${metric} counts and takes no unit: write ${metric} ${operator} ${number}` };
  const percentile = percentileText === undefined ? undefined : percentileOf(percentileText);
  if (typeof percentile === 'number' && !(percentile >= 0 && percentile <= 100))
    return { problem: `${percentileText} is no percentile; p50, p90, p99, p999 and p99.9 are` };
  const overMs = over === undefined ? undefined : parseDuration(over);
  if (over !== undefined && (overMs === undefined || overMs < 1_000))
    return { problem: `the window ${JSON.stringify(over)} is no duration of 1s or more` };
  const isLive = isLatency ? metric !== 'lastReceiver' : liveCounters.includes(metric);
  if (!isLive && (overMs !== undefined || abort !== undefined)) {
    return {
      problem: `${metric} is settled when the run is over, so it takes neither 'over' nor 'abort'; ${liveCounters.join(', ')} and the latencies but lastReceiver do`,
    };
  }
  const value = Number(number) * (isLatency && percentile !== 'count' ? msPer(unit) : 1);
  return {
    expression,
    metric,
    ...(percentile === undefined ? {} : { percentile }),
    operator: operator as Threshold['operator'],
    value,
    ...(overMs === undefined ? {} : { overMs }),
    abort: abort !== undefined,
  };
}

/** Of expressions that have been validated. */
export function parseThresholds(expressions: readonly string[]): readonly Threshold[] {
  return expressions.map((expression) => {
    const threshold = parseThreshold(expression);
    if ('problem' in threshold) throw new RangeError(threshold.problem);
    return threshold;
  });
}

export function holds(threshold: Threshold, observed: number): boolean {
  switch (threshold.operator) {
    case '<':
      return observed < threshold.value;
    case '<=':
      return observed <= threshold.value;
    case '>':
      return observed > threshold.value;
    case '>=':
      return observed >= threshold.value;
    case '==':
      return observed === threshold.value;
    case '!=':
      return observed !== threshold.value;
  }
}

/** `p99.9` says what it says; without a point the digits after the second are decimals: `p999` is 99.9, `p9999` 99.99. */
function percentileOf(text: string): number | 'min' | 'max' | 'count' {
  if (text === 'min' || text === 'max' || text === 'count') return text;
  const digits = text.slice(1);
  if (digits.includes('.') || digits.length <= 2 || digits === '100') return Number(digits);
  return Number(`${digits.slice(0, 2)}.${digits.slice(2)}`);
}

function msPer(unit: string | undefined): number {
  return { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? 'ms'] as number;
}
