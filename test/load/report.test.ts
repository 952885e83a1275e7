import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { LatencyHistogram } from '../../load/ledger/histogram.ts';
import { binsOf, curveOf } from '../../load/report/page/distribution.ts';
import { chartsOf } from '../../load/report/page/chart.ts';
import { bytes, clockTime, milliseconds, number, share, whole } from '../../load/report/format/format.ts';
import { reportIn } from '../../load/report/file.ts';
import { htmlReport } from '../../load/report/page/html.ts';
import { embeddedJson, html } from '../../load/report/page/markup.ts';
import { textReport } from '../../load/report/text.ts';
import { mergeRounds } from '../../load/result/rounds.ts';
import { reportFixture } from './report-fixture.ts';

describe('the page', () => {
  test('asks for nothing: no address, no import, and a policy that forbids both', () => {
    const page = htmlReport(reportFixture());
    expect(page).toContain("default-src 'none'");
    expect(page.match(/<(link|img|iframe)\b|\ssrc=|@import|url\(/g)).toBeNull();
  });

  test('escapes everything that a server could have put into it', () => {
    const evil = '</script><img src=x onerror=alert(1)>"\'&\u2028';
    const page = htmlReport({
      ...reportFixture({ verdict: 'fail' }),
      scenario: evil,
      verdict: 'fail',
      reasons: [evil],
      environment: { [evil]: evil },
      closes: { [evil]: 1 },
      errors: [{ kind: evil, count: 1, sample: evil }],
      thresholds: [{ expression: evil, observed: 1, passed: false }],
      marks: [{ atMs: 1_000, what: evil }],
      generator: { [evil]: 1 },
    });
    expect(page).not.toContain('<img src=x');
    expect(page.match(/<\/script>/g)).toHaveLength(4);
    expect(reportIn(page, 'page').scenario).toBe(evil);
  });

  test('carries the report, which comes out as it went in', () => {
    const report = reportFixture({ verdict: 'fail', rounds: [{ p50: 1 }] });
    expect(reportIn(htmlReport(report), 'page')).toEqual(report);
  });

  test('of a report from before stages, targets and frames were kept is written all the same', () => {
    const { stages: _, targets: __, frames: ___, reconnects: ____, ...rest } = reportFixture();
    const { reconnected: _____, ...clients } = rest.clients;
    const old = reportIn(JSON.stringify({ ...rest, clients }), 'old.json');
    expect(old).toMatchObject({ stages: [], targets: [], frames: {}, clients: { reconnected: 0 } });
    expect(htmlReport(old)).toContain('0 came back');
    expect(textReport(old, false)).toContain('PASS');
  });

  test('has the numbers as tables, each with a caption, and every chart has a name and a description', () => {
    const page = htmlReport(reportFixture({ verdict: 'fail' }));
    const count = (pattern: RegExp): number => page.match(pattern)?.length ?? 0;
    expect(count(/<table/g)).toBeGreaterThan(12);
    expect(count(/<caption/g)).toBe(count(/<table/g));
    expect(count(/role="img" aria-label="[^"]+"/g)).toBe(7);
    expect(page).toContain('Fan-out latency over time, ms: p50 from');
  });

  test('leaves out the charts that a report has no numbers for', () => {
    const bare = { ...reportFixture(), series: [], histograms: {}, rooms: [], marks: [], thresholds: [], closes: {} };
    expect(chartsOf(bare)).toEqual([]);
    expect(htmlReport(bare)).toContain('None were set; the ledger alone decides.');
  });
});

test("the page's script passes the type checker, though it is no part of the package's own program", () => {
  const compiler = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
  const script = fileURLToPath(new URL('../../load/report/page/page.js', import.meta.url));
  const words = '--ignoreConfig --noEmit --allowJs --checkJs --strict --target es2022 --lib es2022,dom'.split(' ');
  const { status, stdout } = spawnSync(compiler, [...words, '--types', '', script], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

describe('the charts', () => {
  test('draw the thresholds of a latency, in milliseconds, and the marks', () => {
    const report = {
      ...reportFixture(),
      thresholds: ['fanout.p99 < 50ms', 'fanout.max <= 2s', 'connect.p99 < 1s', 'lost == 0', 'fanout.count > 5'].map(
        (expression) => ({ expression, observed: 1, passed: true }),
      ),
    };
    const latency = chartsOf(report).find((chart) => chart.id === 'latency');
    expect(latency?.limits.map((limit) => limit.value)).toEqual([50, 2_000]);
    expect(latency?.marks).toEqual([
      { x: 30, label: 'storm: 25 % reconnect' },
      { x: 45, label: 'slow readers: 5 %' },
    ]);
  });

  test('turn logarithmic where the largest value is beyond fifty times the smallest', () => {
    const at = (p50: number): boolean | undefined => {
      const rows = [1, 2].map((second) => ({ atMs: second * 1_000, p50, p99: 10, p999: 20 }));
      const report = { ...reportFixture(), thresholds: [], series: rows };
      return chartsOf(report).find((chart) => chart.id === 'latency')?.isLogarithmic;
    };
    expect(at(0.5)).toBe(false);
    expect(at(0.3)).toBe(true);
  });

  test('shade a stall, where next to nothing came or what came had waited, and say so in words', () => {
    const second = (index: number, change: object = {}): Record<string, number> => ({
      atMs: (index + 1) * 1_000,
      intended: 100,
      published: 100,
      delivered: 1_000,
      p50: 2,
      p99: 9,
      ...change,
    });
    const series = Array.from({ length: 20 }, (_, index) => second(index));
    series[7] = second(7, { delivered: 0 });
    series[8] = second(8, { delivered: 12, p50: 900 });
    series[9] = second(9, { delivered: 2_900, p50: 700 });
    series[19] = second(19, { delivered: 3 });
    const report = { ...reportFixture(), series, marks: [{ atMs: 5_000, what: 'hold' }] };
    const chart = chartsOf(report).find(({ id }) => id === 'latency');
    expect(chart?.bands).toEqual([{ from: 7, to: 10, label: 'stall' }]);
    expect(htmlReport(report)).toContain('stall from 7 to 10 s; hold at 5 s');
    const calm = { ...report, series: Array.from({ length: 20 }, (_, index) => second(index)) };
    expect(chartsOf(calm).flatMap(({ bands }) => bands)).toEqual([]);
  });

  test('a second without a latency is a gap, not a zero', () => {
    const report = { ...reportFixture(), series: [{ atMs: 1_000, p50: 2 }, { atMs: 2_000 }] };
    const latency = chartsOf(report).find((chart) => chart.id === 'latency');
    expect(latency?.series[0]?.values).toEqual([2, null]);
  });
});

describe('a distribution', () => {
  test('has a curve from the minimum to the maximum, with each power of ten on it', () => {
    const histogram = new LatencyHistogram();
    for (let value = 1; value <= 10_000; value += 1) histogram.recordUs(value);
    const curve = curveOf(histogram.encode());
    expect(curve[0]).toEqual({ nines: 0, valueMs: 0.001 });
    expect(curve.at(-1)).toEqual({ nines: 4, valueMs: histogram.maxMs });
    expect(curve.find((point) => point.nines === 2)?.valueMs).toBeCloseTo(9.9, 1);
  });

  test('has bins that hold every value once', () => {
    const histogram = new LatencyHistogram();
    const values = [50, 90, 100, 140, 1_900, 2_000, 2_500, 40_000_000];
    for (const value of values) histogram.recordUs(value);
    const bins = binsOf(histogram.encode());
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(values.length);
    expect(bins[0]).toEqual({ fromMs: 0, toMs: 0.1, count: 3 });
    expect(bins.find((bin) => bin.toMs === 2)).toMatchObject({ fromMs: 1.5, count: 2 });
    expect(bins.at(-1)).toMatchObject({ toMs: 50_000, count: 1 });
  });

  test('of nothing has neither', () => {
    expect(curveOf(undefined)).toEqual([]);
    expect(binsOf(new LatencyHistogram().encode())).toEqual([]);
  });
});

test('requests to the HTTP side stand in the table, the curve and the text, beside the sockets', () => {
  const histogram = new LatencyHistogram();
  for (let value = 1; value <= 1_000; value += 1) histogram.recordUs(7_000);
  const fixture = reportFixture();
  const report = { ...fixture, histograms: { ...fixture.histograms, http: histogram.encode() } };
  expect(textReport(report, false)).toMatch(/HTTP request +7\sms/);
  expect(htmlReport(report)).toContain('data-latency="http"');
  const curve = chartsOf(report).find((chart) => chart.id === 'percentiles');
  expect(curve?.series.map((series) => series.label)).toContain('HTTP request');
});

describe('merged rounds', () => {
  test('have the percentiles of all values together, not the average of percentiles', () => {
    const fast = reportFixture({ seconds: 3 });
    const slow = reportFixture({ seconds: 3, slowdown: 10 });
    const merged = mergeRounds([fast, slow]);
    expect(merged.latency.fanout.count).toBe(fast.latency.fanout.count + slow.latency.fanout.count);
    expect(merged.latency.fanout.max).toBeCloseTo(slow.latency.fanout.max, 0);
    expect(merged.latency.fanout.min).toBeCloseTo(fast.latency.fanout.min, 2);
    expect(merged.latency.fanout.p99).toBeGreaterThan(slow.latency.fanout.p90);
    expect(merged.ledger.expected).toBe(fast.ledger.expected + slow.ledger.expected);
    expect(merged.ledger.expected).toBe(merged.ledger.received + merged.ledger.lost);
    expect(merged.clients.intended).toBe(merged.clients.connected + merged.clients.refused);
  });

  test('fail where one failed, and keep the threshold that did', () => {
    const merged = mergeRounds([reportFixture({ seconds: 3 }), reportFixture({ seconds: 3, verdict: 'fail' })]);
    expect(merged).toMatchObject({ verdict: 'fail', reasons: ['round 2: lost is 3, allowed 0'] });
    expect(merged.thresholds[1]).toEqual({ expression: 'lost == 0', observed: 3, passed: false });
  });
});

describe('markup', () => {
  test('escapes what is inserted, and markup never twice', () => {
    const inner = html`<b>${'<&>'}</b>`;
    expect(html`<p title="${'"\''}">${[inner, 1, undefined]}</p>`.text).toBe(
      '<p title="&quot;&#39;"><b>&lt;&amp;&gt;</b>1</p>',
    );
  });

  test('embedded JSON has no way out of its element', () => {
    const { text } = embeddedJson({ text: '</script><!--\u2028' });
    expect(text).not.toMatch(/[<\u2028]/);
    expect(JSON.parse(text)).toEqual({ text: '</script><!--\u2028' });
  });
});

test.each([
  [whole(1_234_567.4), '1 234 567'],
  [whole(-1_500), '−1 500'],
  [whole(-0.2), '0'],
  [milliseconds(0.4216), '0.422 ms'],
  [milliseconds(18.44), '18.4 ms'],
  [milliseconds(999.6), '1 s'],
  [milliseconds(61_500), '61.5 s'],
  [milliseconds(Number.NaN), '–'],
  [number(100), '100'],
  [number(10), '10'],
  [number(1.2), '1.2'],
  [share(0.9999), '99.99 %'],
  [clockTime(65_000), '1:05'],
  [clockTime(3_723_000), '1:02:03'],
  [bytes(1_572_864), '1.5 MiB'],
])('%s reads %s', (text, expected) => {
  expect(text.replaceAll('\u202f', ' ')).toBe(expected);
});

test('the table of a report without deliveries claims nothing', () => {
  const fixture = reportFixture();
  const none = { count: 0, min: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 };
  const text = textReport(
    {
      ...fixture,
      latency: { connect: none, fanout: none, fanoutFromSend: none, lastReceiver: none },
      ledger: { ...fixture.ledger, expected: 0, received: 0 },
      stages: [],
      frames: { tick: 1_500 },
    },
    false,
  );
  expect(text.replaceAll('\u202f', ' ')).toContain('no deliveries were due; 1 500 other frames (tick 1 500) came');
  expect(text).not.toContain('fan-out');
});
