import { readFile } from 'node:fs/promises';
import { UsageError } from './option/settings.ts';
import { htmlReport } from '../report/page/html.ts';
import { reportIn, reportJson } from '../report/file.ts';
import { textReport } from '../report/text.ts';
import type { RunReport } from '../result/run-report.ts';
import { exitCodes, write, type CommandContext } from './command-context.ts';

/** `channelbox report`: shows a run that was kept, whatever its verdict. Resolves with 0. */
export async function reportCommand(kit: CommandContext, path: string): Promise<number> {
  const report = await readReport(path);
  const { html, json = false } = kit.settings;
  if (html !== undefined) await write(html, htmlReport(report));
  if (json) kit.terminal.out(`${reportJson(report)}\n`);
  else kit.terminal.out(textReport(report, kit.terminal.isOutColoured));
  if (html !== undefined && !json) kit.terminal.out(`\nreport  ${html}\n`);
  return exitCodes.pass;
}

/**
 * A report from a file of any of the kinds that the kit writes.
 * @throws {UsageError} when there is no such file.
 * @throws {ReportError} `CHANNELBOX_REPORT_UNREADABLE` when it holds no report.
 */
export async function readReport(path: string): Promise<RunReport> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path} cannot be read: ${problem}; a file written by --save, --json or --html is due`, {
      cause: error,
    });
  }
  return reportIn(text, path);
}
