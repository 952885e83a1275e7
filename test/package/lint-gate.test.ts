import { beforeAll, describe, expect, test } from 'vitest';
import { plantedTree, type Files } from './planted-tree.ts';

const value = (name: string): string => `export const ${name}: number = 1;\n`;
const uses = (name: string, from: string): string =>
  `import { ${name} } from '${from}';\nexport const via${name}: number = ${name};\n`;

/** One file a room, each importing what its room may import. */
const sound: Files = {
  'src/errors.ts': value('errors'),
  'src/clock.ts': uses('errors', './errors.ts'),
  'src/handler.ts': uses('transport', './transport/transport.ts'),
  'src/transport/transport.ts': value('transport'),
  'src/transport/node.ts':
    "import { WebSocketServer } from 'ws';\nexport const server: WebSocketServer = new WebSocketServer({ noServer: true });\n",
  'src/layer/layer.ts': uses('errors', '../errors.ts'),
  'src/channel/history.ts': value('history'),
  'src/layer/kept.ts': uses('history', '../channel/history.ts'),
  'src/layer/memory.ts': uses('vialayer', './layer.ts')
    .replace('vialayer', 'viaerrors')
    .replace('number = vialayer', 'number = viaerrors'),
  'src/socket/codec.ts': `${value('codec')}${uses('transport', '../transport/transport.ts')}`,
  'src/channel/channel.ts': uses('codec', '../socket/codec.ts'),
  'src/middleware/compose.ts': uses('codec', '../socket/codec.ts'),
  'src/router/router.ts': uses('viacodec', '../middleware/compose.ts'),
  'src/consumer/consumer.ts': uses('viaviacodec', '../router/router.ts'),
  'src/app.ts': `${uses('server', './transport/node.ts').replaceAll('number', 'object')}${value('app')}`,
  'src/index.ts': "export { app } from './app.ts';\n",
  'testing/index.ts': "export { app as tested } from '../src/index.ts';\n",
  'testing/conformance/transport.ts': uses('app', '../../src/index.ts'),
  'load/index.ts': "export { app } from '../src/index.ts';\nexport { tested } from '../testing/index.ts';\n",
  'examples/chat/main.ts': uses('app', 'channelbox'),
};

const climbs = 'no-restricted-imports';

/** What must be refused: the file, its text, the rule that refuses it. */
const violations: readonly (readonly [what: string, file: string, text: string, rule: string])[] = [
  [
    'a type imported upwards in passing',
    'src/socket/in-passing.ts',
    "export type Peek = import('../app.ts').Peek;\n",
    'consistent-type-imports',
  ],
  [
    'a module loaded upwards at run time',
    'src/socket/late.ts',
    "export const late = (): Promise<unknown> => import('../app.ts');\n",
    climbs,
  ],
  ['the clock importing a socket', 'src/clock-face.ts', uses('codec', './socket/codec.ts'), climbs],
  ['a contract importing a channel', 'src/layer/peek.ts', uses('viacodec', '../channel/channel.ts'), climbs],
  [
    'a contract importing a type upwards',
    'src/transport/peek.ts',
    "import type { app } from '../app.ts';\nexport type Peek = typeof app;\n",
    climbs,
  ],
  ['a socket importing the router', 'src/socket/peek.ts', uses('viaviacodec', '../router/router.ts'), climbs],
  [
    'a socket importing the node transport',
    'src/socket/direct.ts',
    "export { server } from '../transport/node.ts';\n",
    climbs,
  ],
  ['a channel importing a consumer', 'src/channel/peek.ts', uses('viaviaviacodec', '../consumer/consumer.ts'), climbs],
  ['middleware importing the router', 'src/middleware/peek.ts', uses('viaviacodec', '../router/router.ts'), climbs],
  ['the router importing a consumer', 'src/router/peek.ts', uses('viaviaviacodec', '../consumer/consumer.ts'), climbs],
  ['a consumer importing the app', 'src/consumer/peek.ts', uses('app', '../app.ts'), climbs],
  ['a room importing the front door', 'src/consumer/around.ts', uses('app', '../index.ts'), climbs],
  [
    'ws imported outside the node transport',
    'src/socket/direct-ws.ts',
    "export { WebSocketServer } from 'ws';\n",
    climbs,
  ],
  ['src importing the testing kit', 'src/socket/kit.ts', uses('tested', '../../testing/index.ts'), climbs],
  ['src importing the load kit', 'src/router/kit.ts', uses('app', '../../load/index.ts'), climbs],
  ['src importing itself by name', 'src/channel/by-name.ts', uses('app', 'channelbox'), climbs],
  ['the testing kit behind the door of src', 'testing/client.ts', uses('codec', '../src/socket/codec.ts'), climbs],
  [
    'a suite of the testing kit behind the door of src',
    'testing/conformance/peek.ts',
    uses('codec', '../../src/socket/codec.ts'),
    climbs,
  ],
  ['the testing kit importing the load kit', 'testing/load.ts', uses('app', '../load/index.ts'), climbs],
  ['the load kit behind the door of src', 'load/run.ts', uses('app', '../src/app.ts'), climbs],
  [
    'the load kit behind the door of the testing kit',
    'load/driver/peek.ts',
    uses('viaapp', '../../testing/conformance/transport.ts'),
    climbs,
  ],
  ['an example reaching into src', 'examples/chat/inside.ts', uses('app', '../../src/index.ts'), climbs],
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

  test('passes a tree in which every room keeps to its place', () => {
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
