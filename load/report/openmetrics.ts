import type { Percentiles } from '../ledger/histogram.ts';
import type { RunReport } from '../result/run-report.ts';

type Labels = Readonly<Record<string, string | number>>;
type MetricSample = readonly [suffix: string, labels: Labels, value: number];

const quantiles = [
  [0.5, 'p50'],
  [0.9, 'p90'],
  [0.95, 'p95'],
  [0.99, 'p99'],
  [0.999, 'p999'],
  [1, 'max'],
] as const;

/**
 * A report is written as OpenMetrics text (version 1.0.0): counters of clients and deliveries, latencies in seconds as
 * summaries, each stage and target beside the whole, the verdict as a state set.
 */
export function openMetricsReport(report: RunReport): string {
  const { clients, ledger, latency, generator } = report;
  const { firstViolations: _, ...deliveries } = ledger;
  const byName = (label: string, counts: Readonly<Record<string, number>>): readonly MetricSample[] =>
    Object.entries(counts).map(([name, value]) => ['', { [label]: name }, value]);
  const slices = (kind: 'stage' | 'target'): readonly MetricSample[] =>
    (kind === 'stage' ? report.stages : report.targets).flatMap(({ name, published, received, lost }, index) =>
      Object.entries({ published, received, lost }).map(([outcome, value]): MetricSample => [
        '',
        { [kind]: name, index, outcome },
        value,
      ]),
    );
  const families = [
    family('run', 'info', 'What was run.', [['_info', { scenario: report.scenario, seed: report.seed }, 1]]),
    family(
      'verdict',
      'stateset',
      'What the run proves.',
      ['pass', 'fail', 'invalid'].map((verdict) => [
        '',
        { channelbox_load_verdict: verdict },
        verdict === report.verdict ? 1 : 0,
      ]),
    ),
    family('clients', 'gauge', 'Connections, by what became of them.', byName('state', { ...clients })),
    family('deliveries', 'gauge', 'Deliveries, by what became of them.', byName('outcome', deliveries)),
    family('closes', 'gauge', 'Connections that ended, by close code.', byName('code', report.closes)),
    family('frames', 'gauge', 'Frames that were no delivery, by kind.', byName('kind', report.frames)),
    family(
      'errors',
      'gauge',
      'Errors, by kind.',
      report.errors.map(({ kind, count }) => ['', { kind }, count]),
    ),
    ...Object.entries(latency).map(([name, values]) =>
      family(
        `latency_${snake(name)}_seconds`,
        'summary',
        `Latency of the run: ${name}.`,
        summary(values as Percentiles),
      ),
    ),
    family('stage_deliveries', 'gauge', 'Deliveries of each stage of the plan.', slices('stage')),
    family('target_deliveries', 'gauge', 'Deliveries of each target.', slices('target')),
    family(
      'stage_fanout_seconds',
      'gauge',
      'Fan-out of each stage of the plan.',
      report.stages.flatMap(({ name, fanout }, index) => quantilesOf({ stage: name, index }, fanout)),
    ),
    family(
      'target_fanout_seconds',
      'gauge',
      'Fan-out of each target.',
      report.targets.flatMap(({ name, fanout }, index) => quantilesOf({ target: name, index }, fanout)),
    ),
    family(
      'threshold_passed',
      'gauge',
      'Whether each threshold held.',
      report.thresholds.map(({ expression, passed }) => ['', { expression }, passed ? 1 : 0]),
    ),
    family('generator', 'gauge', 'How the generators themselves fared.', byName('signal', generator)),
  ];
  return `${families.filter((text) => text !== '').join('')}# EOF\n`;
}

function summary(values: Percentiles): readonly MetricSample[] {
  return [...quantilesOf({}, values), ['_count', {}, values.count]];
}

function quantilesOf(labels: Labels, values: Percentiles): readonly MetricSample[] {
  if (values.count === 0) return [];
  return quantiles.map(([quantile, key]): MetricSample => ['', { ...labels, quantile }, values[key] / 1_000]);
}

/** `lastReceiver` becomes `last_receiver`. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Empty where there is nothing to say. */
function family(name: string, type: string, help: string, samples: readonly MetricSample[]): string {
  if (samples.length === 0) return '';
  const whole = `channelbox_load_${name}`;
  const lines = samples.map(([suffix, labels, value]) => `${whole}${suffix}${labelText(labels)} ${value}`);
  return [`# TYPE ${whole} ${type}`, `# HELP ${whole} ${help}`, ...lines, ''].join('\n');
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll(/\r?\n/g, '\\n');
}
