/** Lays the snippets of the documents out as files and hands them to the compiler, to Node's loader and to vitest. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { root, runNode, type Outcome } from '../package/run.ts';
import { snippetsOf, type Snippet } from './snippet.ts';

/** README.md and everything in docs, by path. */
export async function documents(): Promise<string[]> {
  const guides = await readdir(join(root, 'docs'), { recursive: true }).catch(() => []);
  const readme = ['README.md'].filter((path) => existsSync(join(root, path)));
  return [
    ...readme,
    ...guides
      .filter((path) => path.endsWith('.md'))
      .map((path) => `docs/${path}`)
      .toSorted(),
  ];
}

export async function readSnippets(): Promise<Snippet[]> {
  const read = async (path: string): Promise<Snippet[]> => snippetsOf(path, await readFile(join(root, path), 'utf8'));
  return (await Promise.all((await documents()).map(read))).flat();
}

/** A folder inside the checkout, so that `channelbox` and the packages of the snippets are found; ignored by git. */
export interface Workshop extends AsyncDisposable {
  readonly folder: string;
  /** Where a snippet lies. */
  pathOf(snippet: Snippet): string;
  compile(): Promise<Outcome>;
  /** Runs the tests among the snippets and imports the others, in a process that they share. */
  execute(): Promise<ReadonlyMap<string, string>>;
}

/** @param name keeps two workshops at the same time apart. */
export async function workshop(name: string, snippets: readonly Snippet[]): Promise<Workshop> {
  const folder = join(root, 'artifacts', 'snippets', `${name}-${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const pathOf = (snippet: Snippet): string => join(folder, snippet.document.replace(/\.md$/, ''), snippet.file);
  for (const snippet of snippets) {
    await mkdir(join(pathOf(snippet), '..'), { recursive: true });
    await writeFile(pathOf(snippet), snippet.text);
  }
  const runnable = snippets.filter(({ fate }) => fate === 'import');
  // A test that imports a snippet is how the others are run: same aliases, same compiler, one report.
  for (const snippet of runnable) {
    const text = `import { expect, test } from 'vitest';\ntest('runs', async () => {\n  await expect(import('./${snippet.file}')).resolves.toBeDefined();\n});\n`;
    await writeFile(pathOf(snippet).replace(/\.ts$/, '.runs.test.ts'), text);
  }
  await writeFile(join(folder, 'tsconfig.json'), compilerConfig(folder, snippets.map(pathOf)));
  await writeFile(join(folder, 'vitest.config.ts'), runnerConfig(folder));
  return {
    folder,
    pathOf,
    compile: () => runNode([join(root, 'node_modules/typescript/bin/tsc'), '-p', join(folder, 'tsconfig.json')], root),
    execute: () => execute(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A reader's settings: strict, but what a library needs for its declarations is not asked of an example. */
function compilerConfig(folder: string, files: readonly string[]): string {
  const compilerOptions = { isolatedDeclarations: false, declaration: false, noUnusedLocals: false, rootDir: root };
  return JSON.stringify({
    extends: relative(folder, join(root, 'tsconfig.json')),
    compilerOptions,
    include: [],
    files,
  });
}

/** The project's own, over these files; in one process, as each more would load the framework and the kits once more. */
function runnerConfig(folder: string): string {
  const own = relative(folder, join(root, 'vitest.config.ts'));
  const include = [`${relative(root, folder)}/**/*.test.ts`];
  return `import own from '${own}';\nexport default { ...own, root: ${JSON.stringify(root)}, test: { ...own.test, projects: undefined, isolate: false, maxWorkers: 1, include: ${JSON.stringify(include)} } };\n`;
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** By the path of each file that was run: '' where all went well, else what went wrong. */
async function execute(folder: string): Promise<ReadonlyMap<string, string>> {
  const report = join(folder, 'report.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = ['run', '--reporter=json', `--outputFile.json=${report}`, '--config', join(folder, 'vitest.config.ts')];
  const { output } = await runNode([vitest, ...args, '--passWithNoTests'], root);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`vitest wrote no report:\n${output}`);
  const { testResults } = JSON.parse(text) as VitestReport;
  return new Map(
    testResults.map(({ name, status, message, assertionResults }) => {
      const failures = assertionResults.flatMap(({ title, failureMessages }) =>
        failureMessages.map((failure) => `${title}: ${failure}`),
      );
      if (status !== 'passed' && failures.length === 0) failures.push(message === '' ? output : message);
      if (assertionResults.length === 0 && failures.length === 0) failures.push('no test was found in it');
      return [name.replace(/\.runs\.test\.ts$/, '.ts'), failures.join('\n')];
    }),
  );
}
