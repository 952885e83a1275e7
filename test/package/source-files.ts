/** The text files of the project, as git lists them: those not yet added count too, since they are about to be. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './run.ts';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** @param under folders or files; left out: everything */
export async function sourceFiles(...under: readonly string[]): Promise<SourceFile[]> {
  const { output } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', ...under], root);
  return output
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile())
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}
