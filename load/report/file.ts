/** A report is read from a file, which may hold none. */
import { ChannelBoxError } from '../../src/index.ts';
import type { RunReport } from '../result/run-report.ts';
import { embeddedReportId } from './page/html.ts';

/** A file that holds no report. Code: `CHANNELBOX_REPORT_UNREADABLE`. */
export class ReportError extends ChannelBoxError {
  override readonly name: string = 'ReportError';
}

/**
 * The report in the text of a file: the JSON itself, the last line of an NDJSON stream, or a report page.
 * @param name of the file, for the message.
 * @throws {ReportError} `CHANNELBOX_REPORT_UNREADABLE` with what is wrong with it.
 */
export function reportIn(text: string, name: string): RunReport {
  const parsed = parse(jsonIn(text, name), name);
  const problem = problemOf(parsed);
  if (problem !== undefined) throw unreadable(name, problem);
  return withAdded(parsed as RunReport);
}

/** Fields that have come to the document since it was first written: one from before reads as if it had none of them. */
function withAdded(report: RunReport): RunReport {
  return {
    ...report,
    clients: { ...report.clients, reconnected: report.clients.reconnected ?? 0 },
    stages: report.stages ?? [],
    targets: report.targets ?? [],
    frames: report.frames ?? {},
  };
}

/** The report as the one line of JSON that `--json` and `--save` write. */
export function reportJson(report: RunReport): string {
  return JSON.stringify(report);
}

function jsonIn(text: string, name: string): string {
  if (!text.trimStart().startsWith('<')) return text;
  const [, after] = text.split(`<script type="application/json" id="${embeddedReportId}">`);
  if (after === undefined) throw unreadable(name, 'it is a page without a report inside');
  return after.slice(0, after.indexOf('</script>'));
}

function parse(json: string, name: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (whole) {
    const last = json.trimEnd().split('\n').at(-1) ?? '';
    try {
      const tick = JSON.parse(last) as { readonly type?: unknown; readonly report?: unknown };
      if (tick.type === 'report') return tick.report;
    } catch {
      // The error of the whole text says more than the one of its last line.
    }
    throw unreadable(name, `it is no JSON (${whole instanceof Error ? whole.message : String(whole)})`, whole);
  }
}

/** What the rest of the kit relies on, in a sentence where it is missing. */
function problemOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'it holds no object';
  const report = value as Readonly<Record<string, unknown>>;
  if (report['schema'] !== 1) {
    return `its schema is ${JSON.stringify(report['schema']) ?? 'missing'}, this channelbox reads 1`;
  }
  if (!['pass', 'fail', 'invalid'].includes(String(report['verdict'])))
    return 'its verdict is none of pass, fail, invalid';
  const objects = ['environment', 'clients', 'ledger', 'latency', 'closes', 'generator', 'histograms'];
  const lists = ['errors', 'thresholds', 'series', 'rooms', 'marks'];
  const lacking = [
    ...objects.filter((key) => typeof report[key] !== 'object' || report[key] === null),
    ...lists.filter((key) => !Array.isArray(report[key])),
  ];
  return lacking.length === 0 ? undefined : `it lacks ${lacking.join(', ')}`;
}

function unreadable(name: string, problem: string, cause?: unknown): ReportError {
  const advice = 'a file written by --save, --json or --html is due';
  return new ReportError('CHANNELBOX_REPORT_UNREADABLE', `${name} holds no report: ${problem}; ${advice}`, { cause });
}
