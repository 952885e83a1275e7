import Table from 'cli-table3';
import type { RunReport, Slice } from '../result/run-report.ts';
import { meanWhileSending } from '../result/rounds.ts';
import { palette, type Palette } from './terminal.ts';
import { closeMeaning } from '../result/close-meaning.ts';
import { clockTime, milliseconds, number, share, whole } from './format/format.ts';
import { latencyRows } from './format/latency-row.ts';
import { observedText, reading, signalOf } from './format/signal.ts';

/** The report as a terminal shows it; ends with the verdict, which is what the eye looks for. Ends with a line break. */
export function textReport(report: RunReport, isColoured: boolean): string {
  const colours = palette(isColoured);
  const parts = [
    headLine(report, colours),
    latencyTable(report, colours),
    sliceTable('stage', report.stages, colours),
    sliceTable('target', report.targets, colours),
    ledgerLines(report, colours),
    closesLine(report),
    errorLines(report),
    generatorLine(report),
    thresholdLines(report, colours),
    verdictLines(report, colours),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headLine(report: RunReport, { bold }: Palette): string {
  const { clients } = report;
  const last = report.series.at(-1)?.['atMs'];
  const facts = [
    bold(report.scenario),
    `seed ${report.seed}`,
    ...['target', 'placement', 'client', 'processes', 'certificate'].flatMap((name) => {
      const value = report.environment[name];
      if (value === undefined) return [];
      return [name === 'target' || name === 'placement' ? String(value) : `${name} ${value}`];
    }),
    ...(last === undefined ? [] : [clockTime(last)]),
  ];
  const counts = [
    `${whole(clients.connected)} of ${whole(clients.intended)} connected`,
    `${whole(clients.peak)} at once`,
    `${whole(clients.refused)} refused`,
    `${whole(clients.dropped)} dropped`,
    ...(clients.reconnected > 0 ? [`${whole(clients.reconnected)} came back`] : []),
  ];
  const published = perSecond(report, 'published');
  const rates = [
    `${whole(report.ledger.published)} published${published}`,
    `${whole(report.ledger.received)} delivered${perSecond(report, 'delivered')}`,
    ...framesText(report),
  ];
  return [facts.join('  '), '', row('clients', counts), row('messages', rates)].join('\n');
}

/** `1 500 other frames (tick 1 490, joined 10)`: what was received and is no delivery is seen beside what is. */
function framesText({ frames }: RunReport): readonly string[] {
  const counts = Object.entries(frames).sort(([, one], [, other]) => other - one);
  if (counts.length === 0) return [];
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const shownKinds = counts.slice(0, 5).map(([kind, count]) => `${printable(kind)} ${whole(count)}`);
  return [`${whole(total)} other frames (${shownKinds.join(', ')}${counts.length > 5 ? ', …' : ''})`];
}

/** ` (498/s)`, over the seconds in which messages were sent. */
function perSecond(report: RunReport, column: string): string {
  return report.series.length === 0 ? '' : ` (${number(meanWhileSending(report, column))}/s)`;
}

function latencyTable(report: RunReport, colours: Palette): string {
  const rows = latencyRows(report).flatMap(({ title, values }) => {
    if (values.count === 0) return [];
    const { p50, p90, p95, p99, p999, max } = values;
    return [[title, ...[p50, p90, p95, p99, p999, max].map(milliseconds), whole(values.count)]];
  });
  if (rows.length === 0) return '';
  return grid(['', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max', 'measured'], rows, colours);
}

/** Nothing where there is only one. */
function sliceTable(kind: string, slices: readonly Slice[], colours: Palette): string {
  if (slices.length < 2) return '';
  const rows = slices.map(({ name, published, received, lost, fanout, connect }) => [
    printable(name),
    ...[published, received, lost].map(whole),
    ...[fanout.p50, fanout.p99].map((value) => (fanout.count === 0 ? '–' : milliseconds(value))),
    connect.count === 0 ? '–' : milliseconds(connect.p99),
  ]);
  return grid([kind, 'published', 'received', 'lost', 'fan-out p50', 'p99', 'connect p99'], rows, colours);
}

function ledgerLines(report: RunReport, { red, bold, green }: Palette): string {
  const { ledger } = report;
  const sin = (name: 'lost' | 'late' | 'duplicated' | 'reordered' | 'misrouted' | 'corrupt'): string =>
    ledger[name] > 0 ? bold(red(`${name} ${whole(ledger[name])}`)) : `${name} ${green('0')}`;
  const lines = [
    row('ledger', [
      `expected ${whole(ledger.expected)}`,
      `received ${whole(ledger.received)}`,
      `indeterminate ${whole(ledger.indeterminate)}`,
    ]),
    row('', [sin('lost'), sin('duplicated'), sin('reordered'), sin('misrouted'), sin('corrupt'), sin('late')]),
    ...ledger.firstViolations.slice(0, 5).map(({ kind, room, sender, sequence, receiver }) => {
      const message = sender < 0 ? 'unreadable' : `message ${sequence} of client ${sender}`;
      return row('', [`${kind}: ${message} in ${printable(room)}, at client ${receiver}`]);
    }),
  ];
  return lines.join('\n');
}

function closesLine(report: RunReport): string {
  const entries = Object.entries(report.closes);
  if (entries.length === 0) return '';
  const texts = entries.map(([code, count]) => {
    const meaning = closeMeaning(code);
    return `${code} × ${whole(count)}${meaning === '' ? '' : ` (${meaning})`}`;
  });
  return [row('closes', texts), ...reconnectLine(report)].join('\n');
}

function reconnectLine({ reconnects }: RunReport): readonly string[] {
  if (reconnects === undefined) return [];
  const { clients, p50, p95, all } = reconnects;
  const last = all === undefined ? 'not all within the run' : `all within ${milliseconds(all)}`;
  const texts = [
    `${whole(clients)} away`,
    `half back within ${milliseconds(p50)}`,
    `95 % within ${milliseconds(p95)}`,
    last,
  ];
  return [row('reconnects', texts)];
}

function errorLines(report: RunReport): string {
  return report.errors
    .slice(0, 8)
    .map(({ kind, count, sample }, index) =>
      row(index === 0 ? 'errors' : '', [`${kind} × ${whole(count)}: ${printable(sample)}`]),
    )
    .join('\n');
}

/** The signals that decide whether the run is valid; the page has them all. */
const decisive: readonly string[] = ['cpuWait', 'latenessP99Ms', 'loopDelayP99Ms', 'sentShare', 'cpu', 'rssPeakBytes'];

function generatorLine(report: RunReport): string {
  const texts = decisive.flatMap((name) => {
    const value = report.generator[name];
    return value === undefined ? [] : [`${signalOf(name).title} ${reading(name, value)}`];
  });
  return texts.length === 0 ? '' : row('generator', texts);
}

function thresholdLines(report: RunReport, { green, red }: Palette): string {
  return report.thresholds
    .map(({ expression, observed, passed }, index) => {
      const mark = passed ? green('✓') : red('✗');
      return row(index === 0 ? 'thresholds' : '', [`${mark} ${expression}  (${observedText(expression, observed)})`]);
    })
    .join('\n');
}

function verdictLines(report: RunReport, { bold, inverse, green, red, yellow }: Palette): string {
  if (report.verdict === 'pass') {
    const { ledger } = report;
    const others = framesText(report)[0];
    const none = `no deliveries were due${others === undefined ? '' : `; ${others} came`}`;
    const arrived = ledger.expected > 0 ? `all ${whole(ledger.expected)} deliveries arrived` : none;
    const share = ledger.lost > 0 ? lostText(ledger.lost, ledger.expected) : arrived;
    return `${bold(inverse(green(' PASS ')))} ${share}`;
  }
  const badge = report.verdict === 'fail' ? red(' FAIL ') : yellow(' INVALID ');
  const meaning = report.verdict === 'fail' ? '' : 'this run says nothing about the server';
  return [
    `${bold(inverse(badge))} ${meaning}`.trimEnd(),
    ...report.reasons.map((reason) => `  ${printable(reason)}`),
  ].join('\n');
}

function lostText(lost: number, expected: number): string {
  return `${whole(lost)} of ${whole(expected)} lost (${share(Number((lost / Math.max(1, expected)).toPrecision(2)))}), as the thresholds allow`;
}

/** Column heads and rows without lines, the first column flush left, the others flush right. */
export function grid(heads: readonly string[], rows: readonly (readonly string[])[], { dim }: Palette): string {
  const none = Object.fromEntries(borders.map((border) => [border, '']));
  const table = new Table({
    head: heads.map((head) => dim(head)),
    chars: { ...none, middle: '  ' },
    colAligns: heads.map((_, index) => (index === 0 ? 'left' : 'right')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((cells) => [...cells]));
  const lines = table.toString().split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}

const borders = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
] as const;

function row(title: string, texts: readonly string[]): string {
  return `${title.padEnd(11)}${texts.join('  ')}`;
}

/** What a server sent must not steer the terminal. */
function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
