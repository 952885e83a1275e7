import { describe, expect, test } from 'vitest';
import { LatencyHistogram } from '../../load/ledger/histogram.ts';
import { Seconds, sumCounts } from '../../load/result/seconds.ts';
import { judge } from '../../load/result/threshold-result.ts';
import { parseThreshold, parseThresholds } from '../../load/scenario/threshold.ts';

const none = new Float64Array();

/** A run whose n-th second has these fan-out latencies. */
function secondsOf(latenciesMs: readonly (readonly number[])[]): Seconds {
  const seconds = new Seconds(1);
  for (const [second, values] of latenciesMs.entries()) {
    const fanout = histogramOf(values).toCells();
    seconds.add({
      second,
      connected: 1,
      missing: 0,
      counts: sumCounts([]),
      connect: none,
      fanout,
      fanoutFromSend: none,
      echo: none,
      prepare: none,
      lateness: none,
      health: {},
    });
  }
  return seconds;
}

function histogramOf(valuesMs: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of valuesMs) histogram.recordUs(value * 1_000);
  return histogram;
}

function judged(
  expression: string,
  seconds: readonly (readonly number[])[],
  warmupSeconds = 0,
): { observed: number; passed: boolean } {
  const observed = {
    counters: { lost: 2, refused: 0 },
    latencies: { fanout: histogramOf(seconds.flat()) },
    seconds: secondsOf(seconds),
    warmupSeconds,
  };
  const [result] = judge(parseThresholds([expression]), observed);
  return { observed: Math.round((result?.observed ?? -1) * 10) / 10, passed: result?.passed ?? false };
}

describe('a threshold', () => {
  test('is read with its percentile, unit, window and abort', () => {
    expect(parseThreshold('connect.p95 < 1s over 10s abort')).toEqual({
      expression: 'connect.p95 < 1s over 10s abort',
      metric: 'connect',
      percentile: 95,
      operator: '<',
      value: 1_000,
      overMs: 10_000,
      abort: true,
    });
    expect(parseThreshold('lost==0')).toMatchObject({ metric: 'lost', operator: '==', value: 0, abort: false });
    expect(parseThreshold('fanout.p999 <= 250us')).toMatchObject({ percentile: 99.9, value: 0.25 });
    expect(parseThreshold('fanout.p99.9 <= 2')).toMatchObject({ percentile: 99.9, value: 2 });
    expect(parseThreshold('echo.max < 1m')).toMatchObject({ percentile: 'max', value: 60_000 });
  });

  test.each([
    ['fanout < 5ms', 'needs a percentile'],
    ['lost.p99 == 0', 'is a counter'],
    ['lost == 0ms', 'takes no unit'],
    ['losst == 0', 'no metric "losst"'],
    ['fanout.p99 ~ 5ms', 'is no threshold'],
    ['fanout.p99 < 5ms over x', 'no duration'],
    ['lost == 0 abort', "neither 'over' nor 'abort'"],
  ])('%s is refused: %s', (expression, problem) => {
    expect(parseThreshold(expression)).toMatchObject({ problem: expect.stringContaining(problem) });
  });

  test('holds over the whole run, or in every window', () => {
    const calm = [1, 1, 1, 1];
    const run = [calm, calm, [1, 1, 90, 90], calm, calm, calm];
    expect(judged('fanout.p50 < 5ms', run)).toEqual({ observed: 1, passed: true });
    expect(judged('fanout.max < 50ms over 1s', run)).toEqual({ observed: 90, passed: false });
    expect(judged('fanout.p50 < 5ms over 2s', run)).toEqual({ observed: 1, passed: true });
    expect(judged('fanout.p90 < 5ms over 2s', run).passed).toBe(false);
    expect(judged('fanout.max < 50ms over 1s', run, 3)).toEqual({ observed: 1, passed: true });
  });

  test('on a latency that nothing was measured of is broken', () => {
    expect(judged('echo.p99 < 5ms', [[1]]).passed).toBe(false);
    expect(judged('fanout.p99 < 5ms', []).passed).toBe(false);
  });

  test('on a counter takes the whole run', () => {
    expect(judged('lost <= 2', [])).toEqual({ observed: 2, passed: true });
    expect(judged('refused > 0', [])).toEqual({ observed: 0, passed: false });
  });
});

describe('a histogram', () => {
  test('says the same after it was written, read and merged', () => {
    const [one, other] = [histogramOf([0.5, 3, 700]), histogramOf([3, 59_000])];
    const read = LatencyHistogram.decode(one.encode());
    expect(read.percentiles()).toEqual(one.percentiles());
    read.add(LatencyHistogram.decode(other.encode()));
    expect(read.percentiles()).toEqual(histogramOf([0.5, 3, 700, 3, 59_000]).percentiles());
  });

  test('takes what is beyond a minute for a minute', () => {
    const histogram = histogramOf([100_000]);
    expect(histogram.maxMs).toBeGreaterThanOrEqual(60_000);
    expect(histogram.maxMs).toBeLessThan(60_100);
  });
});
