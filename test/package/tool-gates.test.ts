import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './packed-package.ts';
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
  'load/index.ts': door,
  'load/cli.ts': '#!/usr/bin/env node\nexport const main: number = 1;\n',
  ...Object.fromEntries(
    ['src/index', 'testing/index', 'testing/vitest', 'testing/mock-socket', 'load/index', 'load/cli'].flatMap(
      (file) => [
        [
          `dist/${file}.js`,
          file === 'load/cli' ? '#!/usr/bin/env node\nexport const one = 1;\n' : 'export const one = 1;\n',
        ],
        [`dist/${file}.d.ts`, 'export declare const one: number;\n'],
      ],
    ),
  ),
};

async function outcome(
  files: Files,
  script: string,
  ...args: readonly string[]
): Promise<{ code: number; output: string }> {
  await using tree = await plantedTree(files);
  const { code, output } = await tree.tool(script, ...args);
  return { code, output };
}

describe('the compiler', () => {
  const check = (text: string): ReturnType<typeof outcome> =>
    outcome({ 'src/index.ts': text }, tsc, '-p', 'tsconfig.json', '--noEmit');

  test('passes sound code', async () => {
    expect(await check(door)).toEqual({ code: 0, output: '' });
  });

  test.each([
    ['an enum', 'export enum Colour {\n  Red,\n}\n', 'erasableSyntaxOnly'],
    ['a parameter property', 'export class A {\n  constructor(readonly a: number) {}\n}\n', 'erasableSyntaxOnly'],
    ['an export without its type', 'export const list = [1, 2].map(String);\n', '--isolatedDeclarations'],
    [
      'undefined for an optional property',
      'interface A {\n  a?: number;\n}\nexport const a: A = { a: undefined };\n',
      'exactOptionalPropertyTypes',
    ],
    [
      'an element that may be missing',
      'export const first = (list: readonly number[]): number => list[0];\n',
      "'undefined' is not assignable",
    ],
    ["a name of the DOM's", 'export const socket: unknown = document.body;\n', "Cannot find name 'document'"],
    ['what Node 20 lacks', 'export const made: unknown = Promise.withResolvers();\n', 'withResolvers'],
  ])('refuses %s', async (_what, text, message) => {
    const { code, output } = await check(text);

    expect(code).not.toBe(0);
    expect(output).toContain(message);
  });
});

describe('the formatter', () => {
  test('passes formatted code and refuses other code', async () => {
    const check = (text: string): ReturnType<typeof outcome> =>
      outcome({ 'src/index.ts': text }, 'oxfmt/bin/oxfmt', '--check', 'src');

    expect(await check(door)).toMatchObject({ code: 0 });
    const { code, output } = await check('export const one: number=1\n');
    expect(code).not.toBe(0);
    expect(output).toContain('src/index.ts');
  });
});

describe('knip', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome({ ...sound, ...files }, 'knip/bin/knip.js', '--include', 'files,exports,unlisted,unresolved');

  test('passes a tree in which everything is used', async () => {
    expect(await check({})).toMatchObject({ code: 0 });
  });

  test.each([
    ['a file that nothing imports', { 'src/dead.ts': door }, 'src/dead.ts'],
    [
      'an export that nothing imports',
      { 'src/half.ts': `${door}export const two: number = 2;\n`, 'src/index.ts': "export { one } from './half.ts';\n" },
      'two',
    ],
    [
      'a package that package.json does not name',
      { 'src/index.ts': "export { default } from 'left-pad';\n" },
      'left-pad',
    ],
  ])('refuses %s', async (_what, files, message) => {
    const { code, output } = await check(files as Files);

    expect(code).not.toBe(0);
    expect(output).toContain(message);
  });
});

describe('publint', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome({ ...sound, ...files }, 'publint/src/cli.js', '--strict', '--pack', 'npm');

  test('passes a package whose exports are there', async () => {
    expect(await check({})).toMatchObject({ code: 0 });
  });

  test('refuses a package whose door is CommonJS in the clothes of an ES module', async () => {
    const { code, output } = await check({ 'dist/src/index.js': "module.exports = require('ws');\n" });

    expect(code).not.toBe(0);
    expect(output).toContain('dist/src/index.js');
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

  test('passes a package whose types are those of its code', async () => {
    expect(await check({})).toMatchObject({ code: 0 });
  });

  test('refuses a package whose types lead nowhere', async () => {
    const { code, output } = await check({ 'dist/testing/index.d.ts': "export * from './nowhere';\n" });

    expect(code).not.toBe(0);
    expect(output).toMatch(/internal resolution error/i);
  });
});

describe('vitest', () => {
  const config = readFileSync(join(root, 'vitest.config.ts'), 'utf8');
  const check = (body: string): ReturnType<typeof outcome> =>
    outcome(
      { 'vitest.config.ts': config, 'test/planted.test.ts': `import { expect, test } from 'vitest';\n${body}` },
      'vitest/vitest.mjs',
      'run',
    );
  const passes = "test('adds', () => {\n  expect(1 + 1).toBe(2);\n});\n";

  test('passes a test that holds', async () => {
    expect(await check(passes)).toMatchObject({ code: 0 });
  });

  test.each([
    ['a test that fails', passes.replace('toBe(2)', 'toBe(3)'), 'expected 2 to be 3'],
    [
      'a rejection that nobody awaited',
      `${passes}test('leaks', () => {\n  void Promise.reject(new Error('planted'));\n  expect(1).toBe(1);\n});\n`,
      'Unhandled',
    ],
    ['a file without a test', 'export const none = [expect, test];\n', 'No test suite found'],
  ])('refuses %s', async (_what, body, message) => {
    const { code, output } = await check(body);

    expect(code).not.toBe(0);
    expect(output).toContain(message);
  });
});
