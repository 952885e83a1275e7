import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, type Outcome } from './run.ts';
import { plantedTree, type Files, type PlantedTree } from './planted-tree.ts';

const door = 'export const one: number = 1;\n';

/** A load kit that loads its libraries in each of the ways there are. */
async function sound(): Promise<Files> {
  const own = async (file: string): Promise<readonly [string, string]> => [
    file,
    await readFile(join(root, file), 'utf8'),
  ];
  return {
    ...Object.fromEntries(
      await Promise.all(
        ['build/bundle.ts', 'load/report/page/asset.ts', 'load/report/page/page.js', 'load/report/page/page.css'].map(
          own,
        ),
      ),
    ),
    'src/index.ts': 'export class App {\n  readonly name: string = "app";\n}\n',
    'src/internal.ts':
      "import { App } from './index.ts';\nexport const isApp = (app: unknown): boolean => app instanceof App;\n",
    'testing/index.ts': "import { App } from '../src/index.ts';\nexport const makeApp = (): App => new App();\n",
    'testing/vitest.ts': door,
    'testing/mock-socket.ts': door,
    'load/index.ts': "export { App } from '../src/index.ts';\n",
    'load/cli.ts': `#!/usr/bin/env node
import { createRequire } from 'node:module';
import process from 'node:process';
import { Command } from 'commander';
import { App } from '../src/index.ts';
import { isApp } from '../src/internal.ts';
import { makeApp } from '../testing/index.ts';
import { App as AppByName } from 'channelbox';
import { reportAssets } from './report/page/asset.ts';

const table = createRequire(import.meta.url)('cli-table3') as unknown;
const facts = createRequire(import.meta.url)('channelbox/package.json') as { readonly name: string };
const { transform } = await import('sucrase');
const findings = {
  isOneApp: makeApp() instanceof App && App === AppByName && isApp(makeApp()),
  own: facts.name,
  chart: reportAssets().chartScript.length > 10_000,
  libraries: [typeof table, typeof transform, typeof Command],
  file: import.meta.url.split('/').slice(-3).join('/'),
};
process.stdout.write(JSON.stringify(findings));
`,
  };
}

async function build(tree: PlantedTree): Promise<Outcome> {
  const compiled = await tree.tool('typescript/bin/tsc', '-p', 'tsconfig.build.json');
  expect(compiled).toMatchObject({ code: 0, output: '' });
  return tree.node('dist/build/bundle.js');
}

test('the bundle works away from the packages that are inside it, with the package itself outside', async () => {
  await using tree = await plantedTree(await sound());

  expect(await build(tree)).toMatchObject({ code: 0, output: '' });
  await tree.dropPackages();
  const { stdout, output } = await tree.node('dist/load/cli.js');

  expect(JSON.parse(stdout === '' ? output : stdout)).toEqual({
    isOneApp: true,
    own: 'channelbox',
    chart: true,
    libraries: ['function', 'function', 'function'],
    file: 'dist/load/cli.js',
  });
});

test('the licences of what is inside are listed, text included', async () => {
  await using tree = await plantedTree(await sound());
  await build(tree);

  const licences = await readFile(join(tree.folder, 'dist/load/THIRD_PARTY_LICENSES.txt'), 'utf8');

  const names = [...licences.matchAll(/^(\S+) [\d.]+, \S+$/gm)].map(([, name]) => name);
  expect(names).toEqual(expect.arrayContaining(['cli-table3', 'commander', 'sucrase', 'uplot']));
  expect(names).not.toContain('ws');
  expect(licences).toContain('Permission is hereby granted');
});

test('a load kit that reaches behind a door is not bundled', async () => {
  await using tree = await plantedTree({
    ...(await sound()),
    'src/app.ts': door,
    'load/index.ts': "export { one } from '../src/app.ts';\n",
  });

  const { code, output } = await build(tree);

  expect(code).not.toBe(0);
  expect(output).toContain('src/app.ts is behind a door: load may import src/index.ts, src/internal.ts');
});
