import type { Percentiles } from '../ledger/histogram.ts';
import { closeMeaning } from '../result/close-meaning.ts';
import type { RunReport, Slice } from '../result/run-report.ts';
import { clockTime, milliseconds, whole } from './format/format.ts';
import { latencyRows } from './format/latency-row.ts';
import { observedText } from './format/signal.ts';

const badges = { pass: '✅ pass', fail: '❌ fail', invalid: '⚠️ invalid' } as const;

/** A report is written as Markdown with tables, short enough for the summary of a CI's job. */
export function markdownReport(report: RunReport): string {
  const { clients, ledger } = report;
  const reasons = report.verdict === 'pass' ? [] : report.reasons;
  const last = report.series.at(-1)?.['atMs'];
  const facts = [
    `seed ${report.seed}`,
    ...(last === undefined ? [] : [clockTime(last)]),
    ...['target', 'placement'].flatMap((name) => report.environment[name] ?? []),
  ];
  const parts = [
    `## ${badges[report.verdict]}: ${text(report.scenario)}`,
    text(facts.join(' · ')),
    reasons.map((reason) => `- ${text(reason)}`).join('\n'),
    table(
      ['clients', 'connected', 'at once', 'refused', 'dropped', 'back'],
      [
        [
          whole(clients.intended),
          ...[clients.connected, clients.peak, clients.refused, clients.dropped, clients.reconnected].map(whole),
        ],
      ],
    ),
    table(
      ['expected', 'received', 'lost', 'late', 'duplicated', 'reordered', 'misrouted', 'corrupt', 'indeterminate'],
      [
        [
          ledger.expected,
          ledger.received,
          ledger.lost,
          ledger.late,
          ledger.duplicated,
          ledger.reordered,
          ledger.misrouted,
          ledger.corrupt,
          ledger.indeterminate,
        ].map(whole),
      ],
    ),
    table(
      ['latency', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max', 'measured'],
      latencyRows(report)
        .filter(({ values }) => values.count > 0)
        .map(({ title, values }) => [title, ...percentiles(values), whole(values.count)]),
    ),
    slices('stage', report.stages.length > 1 ? report.stages : []),
    slices('target', report.targets.length > 1 ? report.targets : []),
    table(
      ['threshold', 'observed', ''],
      report.thresholds.map(({ expression, observed, passed }) => [
        `\`${expression}\``,
        observedText(expression, observed),
        passed ? '✅' : '❌',
      ]),
    ),
    table(
      ['close', 'connections', 'meaning'],
      Object.entries(report.closes).map(([code, count]) => [code, whole(count), closeMeaning(code)]),
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function slices(kind: string, all: readonly Slice[]): string {
  return table(
    [kind, 'published', 'received', 'lost', 'fan-out p50', 'p99', 'connect p99'],
    all.map(({ name, published, received, lost, fanout, connect }) => [
      name,
      ...[published, received, lost].map(whole),
      ...[fanout.p50, fanout.p99].map((value) => (fanout.count === 0 ? '–' : milliseconds(value))),
      connect.count === 0 ? '–' : milliseconds(connect.p99),
    ]),
  );
}

function percentiles({ p50, p90, p95, p99, p999, max }: Percentiles): readonly string[] {
  return [p50, p90, p95, p99, p999, max].map(milliseconds);
}

/** Empty where there are no rows. The first column is flush left, the others flush right. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.map(text).join(' | ')} |`;
  return [
    line(heads),
    `|${heads.map((_, index) => (index === 0 ? ' --- ' : ' ---: ')).join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}

/** What a server sent must not become markup. */
function text(value: string): string {
  return value
    .replace(/[\u0000-\u001f\u007f]/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('|', '\\|');
}
