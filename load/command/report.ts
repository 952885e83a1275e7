import { readFile } from 'node:fs/promises';
import { UsageError } from './option/settings.ts';
import { reportIn, reportJson } from '../report/file.ts';
import { textReport } from '../report/text.ts';
import type { RunReport } from '../result/run-report.ts';
import { exitCodes, type CommandContext } from './command-context.ts';
import { refuseUnwritable, writeOutputs } from './outputs.ts';

/** `channelbox report`: shows a run that was kept, whatever its verdict. Resolves with 0. */
export async function reportCommand(kit: CommandContext, path: string): Promise<number> {
  const report = await readReport(path);
  const { json = false } = kit.settings;
  await refuseUnwritable(kit.settings);
  const { paths, problems } = await writeOutputs(kit.settings, report);
  if (problems[0] !== undefined) throw new UsageError(problems[0]);
  if (json) kit.terminal.out(`${reportJson(report)}\n`);
  else kit.terminal.out(textReport(report, kit.terminal.isOutColoured));
  if (paths.length > 0 && !json) kit.terminal.out(`\n${paths.map((file) => `report  ${file}\n`).join('')}`);
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
