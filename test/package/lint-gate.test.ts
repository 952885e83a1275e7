import { beforeAll, describe, expect, test } from 'vitest';
import { plantedTree, type Files } from './planted-tree.ts';

const value = (name: string): string => `export const ${name}: number = 1;\n`;
const uses = (name: string, from: string): string =>
  `import { ${name} } from '${from}';\nexport const via${name}: number = ${name};\n`;

/** Sound code, one file a tree. */
const sound: Files = {
  'src/index.ts': `export { app } from './app.ts';\n`,
  'src/app.ts': value('app'),
  'testing/index.ts': "export { app as tested } from '../src/index.ts';\n",
  'load/index.ts': "export { app } from '../src/index.ts';\nexport { tested } from '../testing/index.ts';\n",
  'examples/chat/main.ts': uses('app', 'channelbox'),
};

/** What must be refused: the file, its text, the rule that refuses it. */
const violations: readonly (readonly [what: string, file: string, text: string, rule: string])[] = [
  [
    'a type imported in passing',
    'src/socket/in-passing.ts',
    "export type Peek = import('../app.ts').Peek;\n",
    'consistent-type-imports',
  ],
  [
    'a circle of types',
    'src/channel/egg.ts',
    "import type { Hen } from './hen.ts';\nexport interface Egg {\n  hen: Hen;\n}\n",
    'no-cycle',
  ],
  [
    'the other half of that circle',
    'src/channel/hen.ts',
    "import type { Egg } from './egg.ts';\nexport interface Hen {\n  egg: Egg;\n}\n",
    'no-cycle',
  ],
  [
    'a promise nobody awaits',
    'src/floating.ts',
    'export function go(): void {\n  Promise.resolve(1);\n}\n',
    'no-floating-promises',
  ],
  [
    'a promise where a condition is due',
    'src/misused.ts',
    "export const is = async (): Promise<boolean> => true;\nexport const says: string = is() ? 'a' : 'b';\n",
    'no-misused-promises',
  ],
  [
    'an async callback whose promise is lost',
    'src/lost.ts',
    'export function each(list: readonly number[]): void {\n  list.forEach(async (item) => {\n    await Promise.resolve(item);\n  });\n}\n',
    'no-misused-promises',
  ],
  ['any', 'src/any.ts', 'export const anything: any = 1;\n', 'no-explicit-any'],
  ['a default export', 'src/default.ts', 'const one: number = 1;\nexport default one;\n', 'no-default-export'],
  ['a thrown string', 'src/throws.ts', "export function fail(): never {\n  throw 'no';\n}\n", 'only-throw-error'],
  [
    'five positional arguments',
    'src/five.ts',
    'export const five = (a: number, b: number, c: number, d: number, e: number): number => a + b + c + d + e;\n',
    'max-params',
  ],
  ['a file over 350 lines', 'src/long.ts', value('long') + '// line\n'.repeat(350), 'max-lines'],
  [
    'a function over 80 lines',
    'src/deep.ts',
    `export function deep(): void {\n${'  Math.random();\n'.repeat(80)}}\n`,
    'max-lines-per-function',
  ],
  ['a console in the framework', 'src/loud.ts', "export const loud = (): void => console.log('hi');\n", 'no-console'],
  [
    'a focused test',
    'test/focused.test.ts',
    "import { expect, test } from 'vitest';\ntest.only('one', () => {\n  expect(1).toBe(1);\n});\n",
    'no-focused-tests',
  ],
  ['a switched-off type error', 'src/quiet.ts', '// @ts-ignore\nexport const quiet: number = 1;\n', 'ban-ts-comment'],
];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

async function lint(files: Files): Promise<{ readonly code: number; readonly found: readonly Diagnostic[] }> {
  await using tree = await plantedTree(files);
  const { code, output } = await tree.tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--format=json');
  const { diagnostics } = JSON.parse(output) as { readonly diagnostics: readonly Diagnostic[] };
  return { code, found: diagnostics.map(({ code: rule, filename }) => ({ code: rule, filename })) };
}

describe('the linter', () => {
  let planted: Awaited<ReturnType<typeof lint>>;
  let clean: Awaited<ReturnType<typeof lint>>;
  beforeAll(async () => {
    const faults = Object.fromEntries(violations.map(([, file, text]) => [file, text]));
    clean = await lint(sound);
    planted = await lint({ ...sound, ...faults });
  });

  test('passes sound code', () => {
    expect(clean).toEqual({ code: 0, found: [] });
  });

  test('fails where anything is planted', () => {
    expect(planted.code).not.toBe(0);
  });

  test.each(violations)('refuses %s', (_what, file, _text, rule) => {
    const rules = planted.found.filter(({ filename }) => filename === file).map(({ code }) => code);
    expect(rules).toContainEqual(expect.stringContaining(`(${rule})`));
  });
});
