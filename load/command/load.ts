import { htmlReport } from '../report/page/html.ts';
import { reportJson } from '../report/file.ts';
import { textReport } from '../report/text.ts';
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
  write,
  type CommandContext,
} from './command-context.ts';

/** `channelbox load`: one run, or `--rounds` of them in one report. Resolves with the exit code. */
export async function loadCommand(kit: CommandContext, word: string | undefined): Promise<number> {
  const source = sourceOf(word, kit.settings);
  const options = loadOptionsOf(kit.settings);
  const rounds = kit.settings.rounds ?? 1;
  const view = liveView(kit, titleOf(source, kit.settings));
  const { signal, stop } = interruption(kit.terminal, () => view?.tell('draining; Ctrl-C again aborts'));
  const reports: RunReport[] = [];
  try {
    while (reports.length < rounds && !signal.aborted) {
      if (rounds > 1) view?.tell(`round ${reports.length + 1} of ${rounds}`);
      reports.push(await kit.load(source, { ...options, signal, ...watching(kit, view) }));
    }
  } catch (error) {
    if (!signal.aborted || reports.length === 0) throw error;
  } finally {
    view?.end();
    stop();
  }
  const [only] = reports;
  const report = rounds === 1 && only !== undefined ? only : mergeRounds(reports);
  await deliver(kit, report);
  return signal.aborted ? exitCodes.interrupted : exitCodeOf(report);
}

/** Files first, so that the table's last line can name the page. */
async function deliver(kit: CommandContext, report: RunReport): Promise<void> {
  const { html, save = [], json = false, ndjson = false } = kit.settings;
  if (html !== undefined) await write(html, htmlReport(report));
  for (const path of save) await write(path, `${reportJson(report)}\n`);
  const files = [...save, ...(html === undefined ? [] : [html])].map((path) => `report  ${path}\n`).join('');
  if (ndjson) tick(kit, 'report', { report });
  else if (json) kit.terminal.out(`${reportJson(report)}\n`);
  else kit.terminal.out(`${textReport(report, kit.terminal.isOutColoured)}${files === '' ? '' : `\n${files}`}`);
  if ((json || ndjson) && kit.settings.quiet !== true) kit.terminal.note(files);
}
