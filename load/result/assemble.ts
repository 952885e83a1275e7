import type { Ledger, Violation } from '../ledger/settlement.ts';
import { masked } from '../address.ts';
import type { ErrorCount, GeneratorResult, LatencyName, Mark } from '../message.ts';
import { LatencyHistogram } from '../ledger/histogram.ts';
import { LastReceivers } from '../ledger/last-receiver.ts';
import type { RunSummary } from '../plan/run-summary.ts';
import type { Latencies, Measured, RunReport } from './run-report.ts';
import { sumCounts, type Seconds } from './seconds.ts';
import { reconnectsOf, roomsOf, slicesOf } from './slices.ts';
import { judge } from './threshold-result.ts';
import { rule } from './verdict.ts';

/** Everything a run has brought to light. */
export interface RunResults {
  readonly results: readonly GeneratorResult[];
  readonly seconds: Seconds;
  readonly marks: readonly Mark[];
  readonly elapsedMs: number;
}

export interface ReportingOptions {
  readonly summary: RunSummary;
  readonly findings: RunResults;
  readonly environment: Measured['environment'];
  /** Of the HTTP side, and of a run without real time. */
  readonly extra?: SideMetrics;
}

/** What is measured beside the sockets and belongs into the same report. */
export interface SideMetrics {
  readonly histograms: Readonly<Record<string, string>>;
  readonly errors: readonly ErrorCount[];
  readonly generator: Readonly<Record<string, number>>;
}

/** Violations that a report keeps, of all kinds together. */
const violationsMax = 50;
const firstFramesMax = 3;

/** Puts what all generators found together into the one document. */
export function reportOf({ summary, findings, environment, extra }: ReportingOptions): RunReport {
  const { results, seconds, marks } = findings;
  // In process there is one place to connect to, whatever the scenario says of targets.
  const targets = (results[0]?.targets.length ?? 0) === summary.targets.length ? summary.targets : ['in process'];
  const histograms = mergeHistograms(results);
  const clients = clientsOf(results);
  const ledger = ledgerOf(results);
  const errors = [...mergeErrors(results.flatMap((result) => result.errors)), ...(extra?.errors ?? [])];
  const frames = countsOf(results.flatMap((result) => result.frames));
  const refusals = countsOf(results.flatMap((result) => result.refusals));
  const generator = { ...healthOf(results, histograms.lateness), ...extra?.generator };
  const warmupSeconds = Math.ceil(summary.warmupMs / 1_000);
  const counters = { ...ledger, ...clients } as unknown as Readonly<Record<string, number>>;
  const thresholds = judge(summary.thresholds, { counters, latencies: histograms, seconds, warmupSeconds });
  const { intendedPublishes } = sumCounts(results.map(({ counts }) => counts));
  const ruling = rule({
    clients,
    ledger,
    thresholds: summary.thresholds,
    thresholdResults: thresholds,
    errors,
    deadlineMs: summary.deadlineMs,
    ledgerDecides: summary.isScripted ? ledger.published > 0 : summary.speakers > 0,
    intendedPublishes: summary.isScripted ? 0 : intendedPublishes,
    scriptFailures: results.reduce((sum, { scriptFailures }) => sum + scriptFailures, 0),
    joined: results.reduce((sum, { joined }) => sum + joined, 0),
    drops: countsOf(results.flatMap((result) => result.drops.map(([code, count]) => [String(code), count] as const))),
    refusals,
    frames,
    firstFrames: results.flatMap(({ firstFrames }) => firstFrames).slice(0, firstFramesMax),
    ...healthSignals(generator),
  });
  const measured: Measured = {
    schema: 1,
    scenario: summary.name,
    seed: summary.seed,
    environment: { ...environment, clients: summary.clients, rooms: summary.rooms, speakers: summary.speakers },
    clients,
    ledger,
    latency: latencyOf(histograms),
    closes: countsOf(results.flatMap((result) => result.closes)),
    errors,
    thresholds,
    generator,
    series: seriesOf(seconds, findings.elapsedMs),
    rooms: roomsOf(summary, results),
    marks,
    stages: slicesOf(
      results.map((result) => result.stages),
      summary.stages.map(({ atMs, what }, index) => ({
        name: what,
        fromMs: atMs,
        toMs: summary.stages[index + 1]?.atMs ?? Math.max(atMs, findings.elapsedMs),
      })),
    ),
    targets: slicesOf(
      results.map((result) => result.targets),
      targets.map((url) => ({ name: masked(url), fromMs: 0, toMs: findings.elapsedMs })),
    ),
    frames,
    ...reconnectsOf(results),
    histograms: { ...encode(histograms), ...extra?.histograms },
  };
  return ruling.verdict === 'pass'
    ? { ...measured, verdict: 'pass' }
    : { ...measured, verdict: ruling.verdict, reasons: ruling.reasons };
}

type Merged = Record<LatencyName | 'lastReceiver', LatencyHistogram>;

function mergeHistograms(results: readonly GeneratorResult[]): Merged {
  const merged: Merged = {
    connect: new LatencyHistogram(),
    fanout: new LatencyHistogram(),
    fanoutFromSend: new LatencyHistogram(),
    lastReceiver: new LatencyHistogram(),
    echo: new LatencyHistogram(),
    prepare: new LatencyHistogram(),
    lateness: new LatencyHistogram(),
  };
  for (const { histograms } of results) {
    for (const name of ['connect', 'fanout', 'fanoutFromSend', 'echo', 'prepare', 'lateness'] as const)
      merged[name].addCells(histograms[name]);
  }
  LastReceivers.merge(
    results.map(({ lastReceivers }) => lastReceivers),
    merged.lastReceiver,
  );
  return merged;
}

function latencyOf(merged: Merged): Latencies {
  return {
    connect: merged.connect.percentiles(),
    fanout: merged.fanout.percentiles(),
    fanoutFromSend: merged.fanoutFromSend.percentiles(),
    lastReceiver: merged.lastReceiver.percentiles(),
    ...(merged.echo.count === 0 ? {} : { echo: merged.echo.percentiles() }),
    ...(merged.prepare.count === 0 ? {} : { prepare: merged.prepare.percentiles() }),
  };
}

function encode(merged: Merged): Record<string, string> {
  const filled = Object.entries(merged).filter(
    ([name, histogram]) => !/^(?:echo|prepare)$/.test(name) || histogram.count > 0,
  );
  return Object.fromEntries(filled.map(([name, histogram]) => [name, histogram.encode()]));
}

function clientsOf(results: readonly GeneratorResult[]): Measured['clients'] {
  const { intended, opened, refused, dropped, reconnected } = sumCounts(results.map(({ counts }) => counts));
  return { intended, connected: opened, refused, dropped, reconnected, peak: peakOf(results) };
}

/** Most connections at one moment, over all processes: they share a clock, so their openings and closings can be put in line. */
function peakOf(results: readonly GeneratorResult[]): number {
  const opened = Float64Array.from(results.flatMap(({ openedUs }) => [...openedUs])).sort();
  const closed = Float64Array.from(results.flatMap(({ closedUs }) => [...closedUs])).sort();
  let peak = 0;
  let gone = 0;
  for (let index = 0; index < opened.length; index += 1) {
    while (gone < closed.length && (closed[gone] as number) <= (opened[index] as number)) gone += 1;
    peak = Math.max(peak, index + 1 - gone);
  }
  return peak;
}

function ledgerOf(results: readonly GeneratorResult[]): Ledger {
  const counts = sumCounts(results.map((result) => result.counts));
  const total = (name: keyof GeneratorResult['settled']): number =>
    results.reduce((sum, { settled }) => sum + settled[name], 0);
  return {
    published: counts.published,
    expected: total('expected'),
    received: total('received'),
    lost: total('lost'),
    duplicated: counts.duplicated,
    reordered: total('reordered'),
    misrouted: counts.misrouted,
    corrupt: counts.corrupt,
    late: total('late'),
    indeterminate: total('indeterminate'),
    firstViolations: firstOf(results.flatMap(({ violations }) => violations)),
  };
}

/** A few of each kind, since one kind can have thousands. */
function firstOf(violations: readonly Violation[]): readonly Violation[] {
  const perKind = new Map<string, number>();
  const kept = violations.filter(({ kind }) => {
    const count = perKind.get(kind) ?? 0;
    perKind.set(kind, count + 1);
    return count < 10;
  });
  return kept.slice(0, violationsMax);
}

function countsOf(entries: readonly (readonly [name: string, count: number])[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, count] of entries) counts[name] = (counts[name] ?? 0) + count;
  return counts;
}

function mergeErrors(errors: readonly ErrorCount[]): ErrorCount[] {
  const merged = new Map<string, ErrorCount>();
  for (const { kind, count, sample } of errors) {
    const known = merged.get(kind);
    merged.set(kind, { kind, count: count + (known?.count ?? 0), sample: known?.sample ?? sample });
  }
  return [...merged.values()];
}

/** Of processes the worst, but for what adds up. */
function healthOf(results: readonly GeneratorResult[], lateness: LatencyHistogram): Record<string, number> {
  const health: Record<string, number> = {};
  for (const [name, value] of results.flatMap((result) => Object.entries(result.health))) {
    const known = health[name];
    if (known === undefined) health[name] = value;
    else health[name] = /^cpu$|Seconds$|Bytes$/.test(name) ? known + value : Math.max(known, value);
  }
  const { intendedPublishes, published } = sumCounts(results.map(({ counts }) => counts));
  if (intendedPublishes > 0) health['sentShare'] = published / intendedPublishes;
  health['latenessP50Ms'] = lateness.percentileMs(50);
  health['latenessP99Ms'] = lateness.percentileMs(99);
  health['latenessMaxMs'] = lateness.maxMs;
  health['processes'] = results.length;
  return Object.fromEntries(Object.entries(health).map(([name, value]) => [name, Math.round(value * 1e4) / 1e4]));
}

function healthSignals(generator: Readonly<Record<string, number>>): Record<string, number> {
  const signals: Record<string, number> = {};
  for (const name of ['cpuWait', 'latenessP99Ms', 'loopDelayP99Ms']) {
    if (generator[name] !== undefined) signals[name] = generator[name];
  }
  return signals;
}

function seriesOf(seconds: Seconds, elapsedMs: number): Record<string, number>[] {
  return Array.from({ length: seconds.length }, (_, index) => {
    const { second, connected, missing, counts, connect, fanout, lateness, health } = seconds.at(index);
    const row: Record<string, number> = {
      atMs: Math.min((second + 1) * 1_000, elapsedMs),
      connected,
      opened: counts.opened,
      refused: counts.refused,
      dropped: counts.dropped,
      reconnected: counts.reconnected,
      intended: counts.intendedPublishes,
      published: counts.published,
      delivered: counts.delivered,
      missing,
      duplicated: counts.duplicated,
      misrouted: counts.misrouted,
      corrupt: counts.corrupt,
    };
    if (fanout.count > 0) {
      const { p50, p90, p95, p99, p999, max } = fanout.percentiles();
      Object.assign(row, { p50, p90, p95, p99, p999, max });
    }
    if (connect.count > 0)
      Object.assign(row, { connectP50: connect.percentileMs(50), connectP99: connect.percentileMs(99) });
    if (lateness.count > 0) row['latenessP99'] = lateness.percentileMs(99);
    if (health['loopDelayP99Ms'] !== undefined) row['lagP99'] = round(health['loopDelayP99Ms']);
    if (health['cpuWait'] !== undefined) row['cpuWait'] = round(health['cpuWait']);
    return row;
  });
}

const round = (value: number): number => Math.round(value * 1e3) / 1e3;
