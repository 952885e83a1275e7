import { closeSync, openSync, writeSync } from 'node:fs';
import type { LiveView } from '../report/live.ts';
import { reportJson } from '../report/file.ts';
import { textReport } from '../report/text.ts';
import { refuseUnwritable, writeOutputs } from './outputs.ts';
import { mergeRounds } from '../result/rounds.ts';
import type { RunReport } from '../result/run-report.ts';
import {
  exitCodeOf,
  exitCodes,
  interruption,
  liveView,
  loadOptionsOf,
  sourceOf,
  tick,
  titleOf,
  watching,
  type CommandContext,
} from './command-context.ts';

/** `channelbox load` makes one run, or `--rounds` of them in one report. Resolves with the exit code. */
export async function loadCommand(kit: CommandContext, word: string | undefined): Promise<number> {
  const source = sourceOf(word, kit.settings);
  const options = loadOptionsOf(kit.settings);
  const rounds = kit.settings.rounds ?? 1;
  await refuseUnwritable(kit.settings);
  const view = liveView(kit, titleOf(source, kit.settings));
  const { signal, stop } = interruption(kit.terminal, () => view?.tell('draining; Ctrl-C again aborts'));
  const trace = tracing(kit, view);
  const onTrace = trace.onTrace === undefined ? {} : { onTrace: trace.onTrace };
  const reports: RunReport[] = [];
  try {
    while (reports.length < rounds && !signal.aborted) {
      if (rounds > 1) view?.tell(`round ${reports.length + 1} of ${rounds}`);
      reports.push(await kit.load(source, { ...options, ...onTrace, signal, ...watching(kit, view) }));
    }
  } catch (error) {
    if (!signal.aborted || reports.length === 0) throw error;
  } finally {
    view?.end();
    stop();
    trace.close();
  }
  const [only] = reports;
  const report = rounds === 1 && only !== undefined ? only : mergeRounds(reports);
  const exitCode = await deliver(kit, report);
  return signal.aborted ? exitCodes.interrupted : exitCode;
}

/** Files first, so that the table's last line can name the page; the verdict is said whatever becomes of them. */
async function deliver(kit: CommandContext, report: RunReport): Promise<number> {
  const { json = false, ndjson = false } = kit.settings;
  const { paths, problems } = await writeOutputs(kit.settings, report);
  const files = paths.map((path) => `report  ${path}\n`).join('');
  if (ndjson) tick(kit, 'report', { report });
  else if (json) kit.terminal.out(`${reportJson(report)}\n`);
  else kit.terminal.out(`${textReport(report, kit.terminal.isOutColoured)}${files === '' ? '' : `\n${files}`}`);
  if ((json || ndjson) && kit.settings.quiet !== true) kit.terminal.note(files);
  for (const problem of problems) kit.terminal.note(`error: ${problem}\n`);
  const exitCode = exitCodeOf(report);
  return problems.length > 0 && exitCode === exitCodes.pass ? exitCodes.usage : exitCode;
}

/** Where the lines of `--trace` go: a file, or standard error beside the live view. */
function tracing(kit: CommandContext, view: LiveView | undefined): { onTrace?: (line: string) => void; close(): void } {
  const { trace, traceFile } = kit.settings;
  if (trace === undefined) return { close: () => undefined };
  if (traceFile === undefined) {
    const onTrace = (line: string): void => (view === undefined ? kit.terminal.note(`${line}\n`) : view.line(line));
    return { onTrace, close: () => undefined };
  }
  const file = openSync(traceFile, 'w');
  return { onTrace: (line) => void writeSync(file, `${line}\n`), close: () => closeSync(file) };
}
