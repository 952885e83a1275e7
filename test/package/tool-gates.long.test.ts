import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root, type Outcome } from './run.ts';
import { plantedTree, type Files } from './planted-tree.ts';

const tsc = 'typescript/bin/tsc';
const door = 'export const one: number = 1;\n';

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
