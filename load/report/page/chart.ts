import type { RunReport } from '../../result/run-report.ts';
import { parseThreshold } from '../../scenario/threshold.ts';
import { binsOf, curveOf } from './distribution.ts';
import { stallsOf, type Band } from './stall.ts';
import { milliseconds, share, whole } from '../format/format.ts';

/** One line, or one row of bars. A null is a gap. */
export interface ChartSeries {
  readonly label: string;
  /** Which of the page's colours, from 1. */
  readonly colour: number;
  readonly isDashed?: boolean;
  readonly values: readonly (number | null)[];
}

/**
 * A plot as plain data: the page's script draws it, the page's markup carries the same numbers as a table.
 *
 * - `time`: x in seconds from the start.
 * - `percentile`: x is the number of nines (`0` the minimum, `2` p99), so that the tail gets as much room as the body.
 * - `category`: x counts the labels.
 */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What to look for in it, for those who see the page for the first time. */
  readonly caption: string;
  readonly kind: 'time' | 'percentile' | 'category';
  readonly shape: 'line' | 'bars';
  readonly unit: 'ms' | 'clients' | 'per second' | 'connects';
  readonly isLogarithmic: boolean;
  readonly x: readonly number[];
  /** Names of the places on x, where they are no plain number. */
  readonly labels: readonly string[];
  readonly xTitle: string;
  readonly series: readonly ChartSeries[];
  /** Horizontal lines: thresholds. */
  readonly limits: readonly { readonly value: number; readonly label: string }[];
  /** Vertical lines: stages, chaos and whatever else the run marked. */
  readonly marks: readonly { readonly x: number; readonly label: string }[];
  /** Shaded stretches of x: stalls. */
  readonly bands: readonly Band[];
}

/** Every plot that the report has numbers for, in the order of the page. */
export function chartsOf(report: RunReport): readonly Chart[] {
  const all = [
    clientsChart(report),
    rateChart(report),
    latencyChart(report),
    percentileChart(report),
    roomsChart(report),
    connectChart(report),
    generatorChart(report),
  ];
  return all.filter((chart) => chart.x.length > 0 && chart.series.length > 0);
}

/** A name in `series`, what it is called on the page, and its colour. */
type Column = readonly [name: string, label: string, colour: number, isDashed?: boolean];

function clientsChart(report: RunReport): Chart {
  const caption = 'Clients that were connected at the end of each second.';
  const columns: readonly Column[] = [
    ['connected', 'connected', 1],
    ['joined', 'joined', 2],
  ];
  return timeChart(report, { id: 'clients', title: 'Clients over time', caption, unit: 'clients' }, columns);
}

function rateChart(report: RunReport): Chart {
  const caption = 'Where publishes stay below what was intended, the generator could not keep up, and the run says so.';
  const columns: readonly Column[] = [
    ['intended', 'intended publishes', 3, true],
    ['published', 'publishes', 1],
    ['delivered', 'deliveries', 2],
  ];
  return timeChart(report, { id: 'rate', title: 'Intended and actual rate', caption, unit: 'per second' }, columns);
}

function latencyChart(report: RunReport): Chart {
  const caption =
    'Fan-out of the messages of each second, from the moment a message was meant to be sent to each receiver.';
  const columns: readonly Column[] = [
    ['p50', 'p50', 1],
    ['p95', 'p95', 3],
    ['p99', 'p99', 2],
    ['p999', 'p99.9', 4],
  ];
  const chart = timeChart(report, { id: 'latency', title: 'Fan-out latency over time', caption, unit: 'ms' }, columns);
  const limits = limitsOf(report, 'fanout');
  return { ...chart, isLogarithmic: isWide(chart.series, limits), limits };
}

function generatorChart(report: RunReport): Chart {
  const caption =
    'How late the generator itself was. Far above zero, the latencies of that time are its own and not the server’s.';
  const columns: readonly Column[] = [
    ['lagP99', 'loop delay p99', 4],
    ['latenessP99', 'schedule lateness p99', 1],
  ];
  return timeChart(report, { id: 'generator', title: 'Generator lag over time', caption, unit: 'ms' }, columns);
}

function timeChart(
  report: RunReport,
  about: Pick<Chart, 'id' | 'title' | 'caption' | 'unit'>,
  columns: readonly Column[],
): Chart {
  const rows = report.series.filter((row) => Number.isFinite(row['atMs']));
  const series: ChartSeries[] = [];
  for (const [name, label, colour, isDashed = false] of columns) {
    const values = rows.map((row) => finite(row[name]));
    if (values.some((value) => value !== null)) series.push({ label, colour, isDashed, values });
  }
  return {
    ...about,
    kind: 'time',
    shape: 'line',
    isLogarithmic: false,
    x: rows.map((row) => (row['atMs'] ?? 0) / 1_000),
    labels: [],
    xTitle: 'seconds from the start',
    series,
    limits: [],
    marks: report.marks.map((mark) => ({ x: mark.atMs / 1_000, label: mark.what })),
    bands: stallsOf(report),
  };
}

function percentileChart(report: RunReport): Chart {
  const columns: readonly Column[] = [
    ['fanout', 'fan-out, from the intended send', 1],
    ['fanoutFromSend', 'fan-out, from the actual send', 2, true],
    ['lastReceiver', 'last receiver', 4],
    ['echo', 'echo', 3],
    ['http', 'HTTP request', 3, true],
  ];
  const curves = columns.flatMap(([name, label, colour, isDashed = false]) => {
    const curve = curveOf(report.histograms[name]);
    return curve.length === 0 ? [] : [{ label, colour, isDashed, curve }];
  });
  const x = [...new Set(curves.flatMap(({ curve }) => curve.map((point) => point.nines)))].toSorted((a, b) => a - b);
  const series = curves.map(({ curve, ...rest }): ChartSeries => {
    const byNines = new Map(curve.map((point) => [point.nines, point.valueMs]));
    return { ...rest, values: x.map((nines) => byNines.get(nines) ?? null) };
  });
  const limits = limitsOf(report, 'fanout');
  return {
    id: 'percentiles',
    title: 'Latency by percentile',
    caption:
      'Each step to the right is ten times rarer. A step upwards says what share of deliveries meets something slow.',
    kind: 'percentile',
    shape: 'line',
    unit: 'ms',
    isLogarithmic: isWide(series, limits),
    x,
    labels: x.map(percentileLabel),
    xTitle: 'percentile',
    series,
    limits,
    marks: [],
    bands: [],
  };
}

function roomsChart(report: RunReport): Chart {
  const rooms = report.rooms.toSorted((a, b) => a.size - b.size).filter((bucket) => bucket.fanout.count > 0);
  const series: readonly ChartSeries[] = [
    { label: 'p50', colour: 1, values: rooms.map((bucket) => bucket.fanout.p50) },
    { label: 'p99', colour: 2, values: rooms.map((bucket) => bucket.fanout.p99) },
    { label: 'p99.9', colour: 4, values: rooms.map((bucket) => bucket.fanout.p999) },
  ];
  return {
    id: 'rooms',
    title: 'Fan-out latency by size of the room',
    caption: 'Growth to the right is what a large room costs.',
    kind: 'category',
    shape: 'line',
    unit: 'ms',
    isLogarithmic: isWide(series),
    x: rooms.map((_, index) => index),
    labels: rooms.map((bucket) => whole(bucket.size)),
    xTitle: 'clients in the room, from',
    series: rooms.length === 0 ? [] : series,
    limits: [],
    marks: [],
    bands: [],
  };
}

function connectChart(report: RunReport): Chart {
  const bins = binsOf(report.histograms['connect']);
  return {
    id: 'connect',
    title: 'Time to connect',
    caption:
      'From opening the socket to the end of the handshake. A second hill at 1, 3 or 7 s is a full accept queue.',
    kind: 'category',
    shape: 'bars',
    unit: 'connects',
    isLogarithmic: false,
    x: bins.map((_, index) => index),
    labels: bins.map((bin) => `≤ ${milliseconds(bin.toMs)}`),
    xTitle: 'time to connect',
    series: bins.length === 0 ? [] : [{ label: 'connects', colour: 1, values: bins.map((bin) => bin.count) }],
    limits: [],
    marks: [],
    bands: [],
  };
}

/** `p50`, `p99.9`, …; the last one of a curve is its maximum. */
function percentileLabel(nines: number, index: number, all: readonly number[]): string {
  return index === all.length - 1 ? 'max' : share(1 - 10 ** -nines);
}

/** Upper bounds in milliseconds that thresholds set for percentiles of one latency. */
function limitsOf(report: RunReport, latency: string): Chart['limits'] {
  return report.thresholds.flatMap(({ expression }) => {
    const threshold = parseThreshold(expression);
    if ('problem' in threshold || threshold.metric !== latency || !threshold.operator.startsWith('<')) return [];
    return threshold.percentile === 'count' ? [] : [{ value: threshold.value, label: expression }];
  });
}

/** Beyond a factor of fifty, a linear axis hides all but the largest. */
function isWide(series: readonly ChartSeries[], limits: Chart['limits'] = []): boolean {
  let least = Infinity;
  let most = 0;
  for (const value of [...series.flatMap((line) => line.values), ...limits.map((limit) => limit.value)]) {
    if (value === null || value <= 0) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return most > 50 * least;
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
