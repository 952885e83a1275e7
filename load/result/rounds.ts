import type { Ledger } from '../ledger/settlement.ts';
import type { ErrorCount } from '../message.ts';
import { LatencyHistogram, type Percentiles } from '../ledger/histogram.ts';
import type { Measured, RunReport, Slice } from './run-report.ts';

/** What one round measured: the numbers that two sides are compared by. */
export type Round = Readonly<Record<string, number>>;

/**
 * p50, p99 (milliseconds) and throughput (deliveries a second) of one run. An adapter that echoes to the sender alone has
 * its echo for a fan-out.
 */
export function roundOf(report: RunReport): Round {
  const { fanout, echo } = report.latency;
  const latency = fanout.count > 0 || echo === undefined ? fanout : echo;
  return { p50: latency.p50, p99: latency.p99, throughput: meanWhileSending(report, 'delivered') };
}

/**
 * What a column of the series was a second, on average, while messages were sent. The first and the last of these seconds are
 * left out, as they are not whole: over a short run they would be most of the noise.
 */
export function meanWhileSending(report: RunReport, column: string): number {
  const sending = report.series.filter((second) => (second['published'] ?? 0) > 0);
  const whole = sending.length > 2 ? sending.slice(1, -1) : sending;
  return whole.length === 0 ? 0 : sum(whole, (second) => second[column] ?? 0) / whole.length;
}

/**
 * Several runs of one scenario as one report with `rounds`: counters add up, histograms merge exactly, the series stand one
 * after another with a mark at each beginning. Invalid if any of them is; else failed if any of them is.
 *
 * @param reports at least one.
 * @param environment added to that of the first.
 */
export function mergeRounds(reports: readonly RunReport[], environment: Measured['environment'] = {}): RunReport {
  const first = reports[0];
  if (first === undefined) throw new RangeError('no reports came; at least one is due');
  const starts = startsOf(reports);
  const histograms = mergeHistograms(reports);
  const measured: Measured = {
    schema: 1,
    scenario: first.scenario,
    seed: first.seed,
    environment: { ...first.environment, ...environment },
    clients: {
      intended: sum(reports, (report) => report.clients.intended),
      connected: sum(reports, (report) => report.clients.connected),
      refused: sum(reports, (report) => report.clients.refused),
      dropped: sum(reports, (report) => report.clients.dropped),
      reconnected: sum(reports, (report) => report.clients.reconnected),
      peak: Math.max(...reports.map((report) => report.clients.peak)),
    },
    ledger: mergeLedgers(reports.map((report) => report.ledger)),
    latency: mergeLatency(reports, histograms),
    closes: addUp(reports.map((report) => report.closes)),
    errors: mergeErrors(reports),
    thresholds: first.thresholds.map((threshold, index) => worst(threshold, reports, index)),
    generator: Object.fromEntries(Object.keys(first.generator).map((name) => [name, worstSignal(name, reports)])),
    series: reports.flatMap((report, index) =>
      report.series.map((row) => ({ ...row, atMs: (row['atMs'] ?? 0) + (starts[index] ?? 0) })),
    ),
    rooms: mergeRooms(reports),
    marks: reports.flatMap((report, index) => [
      { atMs: starts[index] ?? 0, what: `round ${index + 1}` },
      ...report.marks.map((mark) => ({ atMs: mark.atMs + (starts[index] ?? 0), what: mark.what })),
    ]),
    stages: mergeSlices(reports.map(({ stages }) => stages)),
    targets: mergeSlices(reports.map(({ targets }) => targets)),
    frames: addUp(reports.map((report) => report.frames)),
    ...mergeReconnects(reports),
    histograms: Object.fromEntries([...histograms].map(([name, histogram]) => [name, histogram.encode()])),
    rounds: reports.map(roundOf),
  };
  return withVerdict(measured, reports);
}

function withVerdict(measured: Measured, reports: readonly RunReport[]): RunReport {
  for (const verdict of ['invalid', 'fail'] as const) {
    const reasons = reports.flatMap((report, index) =>
      report.verdict === verdict ? report.reasons.map((reason) => `round ${index + 1}: ${reason}`) : [],
    );
    if (reports.some((report) => report.verdict === verdict)) return { ...measured, verdict, reasons };
  }
  return { ...measured, verdict: 'pass' };
}

function startsOf(reports: readonly RunReport[]): readonly number[] {
  let startMs = 0;
  return reports.map((report) => {
    const thisMs = startMs;
    startMs += report.series.at(-1)?.['atMs'] ?? 0;
    return thisMs;
  });
}

function mergeHistograms(reports: readonly RunReport[]): ReadonlyMap<string, LatencyHistogram> {
  const merged = new Map<string, LatencyHistogram>();
  for (const report of reports) {
    for (const [name, encoded] of Object.entries(report.histograms)) {
      const known = merged.get(name);
      const histogram = LatencyHistogram.decode(encoded);
      if (known === undefined) merged.set(name, histogram);
      else known.add(histogram);
    }
  }
  return merged;
}

function mergeLatency(
  reports: readonly RunReport[],
  histograms: ReadonlyMap<string, LatencyHistogram>,
): Measured['latency'] {
  const of = (
    name: 'connect' | 'fanout' | 'fanoutFromSend' | 'lastReceiver' | 'echo' | 'prepare',
  ): Percentiles | undefined => histograms.get(name)?.percentiles() ?? reports[0]?.latency[name];
  const none: Percentiles = new LatencyHistogram().percentiles();
  const echo = of('echo');
  const prepare = of('prepare');
  return {
    connect: of('connect') ?? none,
    fanout: of('fanout') ?? none,
    fanoutFromSend: of('fanoutFromSend') ?? none,
    lastReceiver: of('lastReceiver') ?? none,
    ...(echo === undefined ? {} : { echo }),
    ...(prepare === undefined ? {} : { prepare }),
  };
}

/** Violations that a merged report keeps. */
const violationsMax = 20;

function mergeLedgers(ledgers: readonly Ledger[]): Ledger {
  const total = (name: keyof Omit<Ledger, 'firstViolations'>): number => sum(ledgers, (ledger) => ledger[name]);
  return {
    published: total('published'),
    expected: total('expected'),
    received: total('received'),
    lost: total('lost'),
    duplicated: total('duplicated'),
    reordered: total('reordered'),
    misrouted: total('misrouted'),
    corrupt: total('corrupt'),
    late: total('late'),
    indeterminate: total('indeterminate'),
    firstViolations: ledgers.flatMap((ledger) => ledger.firstViolations).slice(0, violationsMax),
  };
}

function mergeErrors(reports: readonly RunReport[]): readonly ErrorCount[] {
  const merged = new Map<string, ErrorCount>();
  for (const { kind, count, sample } of reports.flatMap((report) => report.errors)) {
    merged.set(kind, {
      kind,
      sample: merged.get(kind)?.sample ?? sample,
      count: (merged.get(kind)?.count ?? 0) + count,
    });
  }
  return [...merged.values()];
}

function mergeRooms(reports: readonly RunReport[]): Measured['rooms'] {
  const merged = new Map<number, Measured['rooms'][number]>();
  for (const bucket of reports.flatMap((report) => report.rooms)) {
    const known = merged.get(bucket.size);
    merged.set(
      bucket.size,
      known === undefined
        ? bucket
        : { ...known, lost: known.lost + bucket.lost, fanout: slower(known.fanout, bucket.fanout) },
    );
  }
  return [...merged.values()];
}

/** The same stage of each round, and the same target: counters add up, of percentiles the slowest round stands for all. */
function mergeSlices(rounds: readonly (readonly Slice[])[]): readonly Slice[] {
  return (rounds[0] ?? []).map((first, index) =>
    rounds.slice(1).reduce((merged, round) => {
      const other = round[index];
      if (other === undefined) return merged;
      return {
        ...merged,
        published: merged.published + other.published,
        received: merged.received + other.received,
        lost: merged.lost + other.lost,
        fanout: slower(merged.fanout, other.fanout),
        connect: slower(merged.connect, other.connect),
      };
    }, first),
  );
}

/** The slowest round stands for all. */
function mergeReconnects(reports: readonly RunReport[]): Pick<Measured, 'reconnects'> {
  const all = reports.flatMap(({ reconnects }) => reconnects ?? []);
  if (all.length === 0) return {};
  const slowest = (of: (entry: (typeof all)[number]) => number): number => Math.max(...all.map(of));
  const isComplete = all.every((entry) => entry.all !== undefined);
  return {
    reconnects: {
      clients: sum(all, (entry) => entry.clients),
      p50: slowest((entry) => entry.p50),
      p95: slowest((entry) => entry.p95),
      all: isComplete ? slowest((entry) => entry.all ?? 0) : undefined,
    },
  };
}

/** Percentiles of a room's size have no histogram to merge: the slowest round stands for all of them. */
function slower(one: Percentiles, other: Percentiles): Percentiles {
  const chosen = other.p99 > one.p99 ? other : one;
  return { ...chosen, count: one.count + other.count };
}

function worst(
  threshold: Measured['thresholds'][number],
  reports: readonly RunReport[],
  index: number,
): Measured['thresholds'][number] {
  const all = reports.flatMap((report) => report.thresholds[index] ?? []);
  return all.find((result) => !result.passed) ?? threshold;
}

/** High is worse, but for the share of what was sent. */
function worstSignal(name: string, reports: readonly RunReport[]): number {
  const values = reports.map((report) => report.generator[name] ?? 0);
  return /share|ratio/i.test(name) ? Math.min(...values) : Math.max(...values);
}

function addUp(records: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const total: Record<string, number> = {};
  for (const [name, count] of records.flatMap((record) => Object.entries(record)))
    total[name] = (total[name] ?? 0) + count;
  return total;
}

function sum<T>(list: readonly T[], of: (entry: T) => number): number {
  return list.reduce((total, entry) => total + of(entry), 0);
}
