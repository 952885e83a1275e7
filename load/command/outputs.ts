import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { reportJson } from '../report/file.ts';
import { junitReport } from '../report/junit.ts';
import { markdownReport } from '../report/markdown.ts';
import { openMetricsReport } from '../report/openmetrics.ts';
import { htmlReport } from '../report/page/html.ts';
import type { RunReport } from '../result/run-report.ts';
import { UsageError, type Settings } from './option/settings.ts';

/**
 * Looks at every file that is to be written, before anything is run.
 * @throws {UsageError} that names the first one whose folder is not there, or that cannot be written.
 */
export async function refuseUnwritable({
  html,
  junit,
  openmetrics,
  markdown,
  traceFile,
  save,
}: Settings): Promise<void> {
  for (const path of [html, junit, openmetrics, markdown, traceFile, ...(save ?? [])]) {
    const problem = path === undefined ? undefined : await problemOf(path);
    if (problem !== undefined) throw new UsageError(`${path} cannot be written: ${problem}`);
  }
}

/** Of a run that is over: what of the files was written, and what was not, in words. */
export interface Written {
  readonly paths: readonly string[];
  readonly problems: readonly string[];
}

/** Writes every file that was asked for. One that cannot be written keeps none of the others, and no verdict, back. */
export async function writeOutputs(settings: Settings, report: RunReport): Promise<Written> {
  const { html, junit, openmetrics, markdown, save = [] } = settings;
  const wanted: readonly (readonly [path: string | undefined, text: () => string])[] = [
    ...save.map((path) => [path, () => `${reportJson(report)}\n`] as const),
    [html, () => htmlReport(report)],
    [junit, () => junitReport(report)],
    [openmetrics, () => openMetricsReport(report)],
    [markdown, () => markdownReport(report)],
  ];
  const paths: string[] = [];
  const problems: string[] = [];
  for (const [path, text] of wanted) {
    if (path === undefined) continue;
    try {
      await writeFile(path, text());
      paths.push(path);
    } catch (error) {
      problems.push(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { paths, problems };
}

async function problemOf(path: string): Promise<string | undefined> {
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory() === true) return 'it is a folder; the name of a file is due';
    if (there !== undefined) await access(path, constants.W_OK);
    else {
      const folder = dirname(path);
      const around = await stat(folder).catch(() => undefined);
      if (around === undefined) return `there is no folder ${folder}; make it first`;
      if (!around.isDirectory()) return `${folder} is no folder`;
      await access(folder, constants.W_OK);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
