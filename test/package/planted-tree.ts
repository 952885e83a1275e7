/** A tiny copy of the project in a temporary folder, with the real settings of every tool, in which a fault is planted. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, runNode, type Outcome } from './run.ts';

const settings = [
  '.oxlintrc.json',
  '.oxfmtrc.json',
  'knip.json',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Files by their path in the tree. */
export type Files = Readonly<Record<string, string>>;

export interface PlantedTree extends AsyncDisposable {
  readonly folder: string;
  /** Runs a tool of `node_modules` by the path of its script there. */
  tool(script: string, ...args: readonly string[]): Promise<Outcome>;
  /** Runs Node on a file of the tree. */
  node(file: string): Promise<Outcome>;
  /** Takes `node_modules` away. */
  dropPackages(): Promise<void>;
}

export async function plantedTree(files: Files): Promise<PlantedTree> {
  const folder = await mkdtemp(join(tmpdir(), 'channelbox-planted-'));
  await Promise.all(settings.map((file) => cp(join(root, file), join(folder, file))));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  await Promise.all(Object.entries(files).map(([path, text]) => plant(join(folder, path), text)));
  return {
    folder,
    tool: (script, ...args) => runNode([join(root, 'node_modules', script), ...args], folder),
    node: (file) => runNode([file], folder),
    dropPackages: () => rm(join(folder, 'node_modules')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function plant(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
