import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root, type Outcome } from './run.ts';
import { plantedTree, type Files } from './planted-tree.ts';

const tsc = 'typescript/bin/tsc';
const door = 'export const one: number = 1;\n';

/** The smallest tree whose doors are all there, source and built. */
const sound: Files = {
  'README.md': '# a package\n',
  LICENSE: 'MIT\n',
  'CHANGELOG.md': '# Changelog\n',
  '.gitignore': 'dist\n',
  'src/index.ts':
    "import { createRequire } from 'node:module';\nimport 'ws';\n\nexport const require: NodeJS.Require = createRequire(import.meta.url);\n",
  'testing/index.ts': door,
  'testing/vitest.ts': door,
  'testing/mock-socket.ts': door,
  'testing/simulator.ts': door,
  'src/redis.ts': door,
  'load/index.ts': door,
  'load/cli.ts': '#!/usr/bin/env node\nexport const main: number = 1;\n',
  ...Object.fromEntries(
    [
      'src/index',
      'src/redis',
      'testing/index',
      'testing/vitest',
      'testing/mock-socket',
      'testing/simulator',
      'load/index',
      'load/cli',
    ].flatMap((file) => [
      [
        `dist/${file}.js`,
        file === 'load/cli' ? '#!/usr/bin/env node\nexport const one = 1;\n' : 'export const one = 1;\n',
      ],
      [`dist/${file}.d.ts`, 'export declare const one: number;\n'],
    ]),
  ),
};

async function outcome(files: Files, script: string, ...args: readonly string[]): Promise<Outcome> {
  await using tree = await plantedTree(files);
  return await tree.tool(script, ...args);
}

/** The lines of an output that name a file of the tree. */
const about = (output: string, file: string): string =>
  output
    .split('\n')
    .filter((line) => line.includes(file))
    .join('\n');

describe('the compiler', () => {
  const faults = [
    ['an enum', 'enum', 'export enum Colour {\n  Red,\n}\n', 'erasableSyntaxOnly'],
    [
      'a parameter property',
      'parameter-property',
      'export class A {\n  constructor(readonly a: number) {}\n}\n',
      'erasableSyntaxOnly',
    ],
    ['an export without its type', 'untyped', 'export const list = [1, 2].map(String);\n', '--isolatedDeclarations'],
    [
      'undefined for an optional property',
      'optional',
      'interface A {\n  a?: number;\n}\nexport const a: A = { a: undefined };\n',
      'exactOptionalPropertyTypes',
    ],
    [
      'an element that may be missing',
      'element',
      'export const first = (list: readonly number[]): number => list[0];\n',
      "'number | undefined' is not assignable",
    ],
    ["a name of the DOM's", 'dom', 'export const socket: unknown = document.body;\n', "Cannot find name 'document'"],
    ['what Node 20 lacks', 'newer', 'export const made: unknown = Promise.withResolvers();\n', 'withResolvers'],
  ] as const;
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome({ 'src/index.ts': door, ...files }, tsc, '-p', 'tsconfig.json', '--noEmit');
  let planted: Outcome;
  beforeAll(async () => {
    planted = await check(Object.fromEntries(faults.map(([, name, text]) => [`src/${name}.ts`, text])));
  });

  test('passes sound code, alone and beside other', async () => {
    expect(await check({})).toMatchObject({ code: 0, output: '' });
    expect(about(planted.output, 'src/index.ts')).toBe('');
  });

  test.each(faults)('refuses %s', (_what, name, _text, message) => {
    expect(planted.code).not.toBe(0);
    expect(about(planted.output, `src/${name}.ts`)).toContain(message);
  });
});

describe('the formatter', () => {
  test('passes formatted code and refuses other code', async () => {
    const files = { 'src/index.ts': door, 'testing/index.ts': 'export const one: number=1\n' };
    const [sound, other] = await Promise.all(
      ['src', 'testing'].map((folder) => outcome(files, 'oxfmt/bin/oxfmt', '--check', folder)),
    );

    expect(sound).toMatchObject({ code: 0 });
    expect(other?.code).not.toBe(0);
    expect(other?.output).toContain('testing/index.ts');
  });
});

describe('knip', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome({ ...sound, ...files }, 'knip/bin/knip.js', '--include', 'files,exports,unlisted,unresolved');

  test('refuses a file or an export that nothing imports, and a package that package.json does not name', async () => {
    const { code, output } = await check({
      'src/dead.ts': door,
      'src/half.ts': `${door}export const two: number = 2;\n`,
      'src/index.ts': "export { one } from './half.ts';\nexport { default as pad } from 'left-pad';\n",
    });

    expect(code).not.toBe(0);
    expect(output).toMatch(/Unused files \(1\)\s+src\/dead\.ts/);
    expect(output).toMatch(/Unused exports \(1\)\s+two .*src\/half\.ts/);
    expect(output).toMatch(/Unlisted dependencies \(1\)\s+left-pad .*src\/index\.ts/);
    expect(output.match(/^U\w+ \w+ \(/gm)).toHaveLength(3);
  });
});

describe('publint', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome({ ...sound, ...files }, 'publint/src/cli.js', '--strict', '--pack', 'npm');

  test('refuses a door that is CommonJS in the clothes of an ES module, and it alone', async () => {
    const { code, output } = await check({ 'dist/src/index.js': "module.exports = require('ws');\n" });

    expect(code).not.toBe(0);
    expect(output).toContain('dist/src/index.js');
    expect(output).not.toContain('2. ');
  });
});

describe('attw', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome(
      { ...sound, ...files },
      '@arethetypeswrong/cli/dist/index.js',
      '--pack',
      '--profile',
      'esm-only',
      '--no-color',
      '--no-emoji',
    );

  test('refuses a door whose types lead nowhere, and it alone', async () => {
    const { code, output } = await check({ 'dist/testing/index.d.ts': "export * from './nowhere';\n" });

    expect(code).not.toBe(0);
    expect(output.match(/from ESM\): .*/g)).toEqual([
      'from ESM): OK (ESM)',
      'from ESM): OK (ESM)',
      'from ESM): Internal resolution error',
      ...Array.from({ length: 4 }, () => 'from ESM): OK (ESM)'),
      'from ESM): OK (JSON)',
    ]);
  });
});

describe('vitest', () => {
  const passes = "test('adds', () => {\n  expect(1 + 1).toBe(2);\n});\n";
  const files: Files = {
    'vitest.config.ts': readFileSync(join(root, 'vitest.config.ts'), 'utf8'),
    // Named by the settings; what it does is no part of the gate.
    'test/package/build-once.ts': 'export function setup(): void {}\n',
    ...Object.fromEntries(
      ['test/suites.ts', 'test/package/longest-first.ts', 'test/package/slowest-files.ts'].map((file) => [
        file,
        readFileSync(join(root, file), 'utf8'),
      ]),
    ),
  };
  const check = (bodies: Readonly<Record<string, string>>): ReturnType<typeof outcome> => {
    const tests = Object.entries(bodies).map(([name, body]) => [
      `test/${name}.test.ts`,
      `import { expect, test } from 'vitest';\n${body}`,
    ]);
    return outcome({ ...files, ...Object.fromEntries(tests) }, 'vitest/vitest.mjs', 'run');
  };

  test('passes a test that holds, refuses one that fails and a file without any', async () => {
    const { code, output } = await check({
      holds: passes,
      fails: passes.replace('toBe(2)', 'toBe(3)'),
      empty: 'export const none = [expect, test];\n',
    });

    expect(code).not.toBe(0);
    expect(output).toContain('expected 2 to be 3');
    expect(output).toContain('No test suite found in file');
    expect(output).toMatch(/Test Files +2 failed \| 1 passed/);
    expect(about(output, 'test/holds.test.ts')).toContain('✓');
  });

  test('refuses a rejection that nobody awaited, though every test holds', async () => {
    const leak = `test('leaks', () => {\n  void Promise.reject(new Error('planted'));\n  expect(1).toBe(1);\n});\n`;
    const { code, output } = await check({ leaks: `${passes}${leak}` });

    expect(code).not.toBe(0);
    expect(output).toContain('Unhandled');
    expect(output).toMatch(/Tests +2 passed/);
  });
});
