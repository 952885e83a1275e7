import { describe, expect, test } from 'vitest';
import { offencesOf } from './floors.ts';
import { sourceFiles } from './source-files.ts';

async function filesOfTrees(): Promise<Map<string, string>> {
  const files = await sourceFiles('src', 'testing', 'load');
  return new Map(files.filter(({ path }) => path.endsWith('.ts')).map(({ path, text }) => [path, text]));
}

/** What must be refused: the file, what it imports, and what is said of it. */
const planted: readonly (readonly [what: string, file: string, code: string, said: string])[] = [
  ['a room that looks up', 'src/socket/a.ts', "import { x } from '../app.ts';", 'a floor above'],
  ['a type from above in passing', 'src/socket/a.ts', "type X = import('../app.ts').X;", 'a floor above'],
  ['a module loaded from above', 'src/time/a.ts', "const x = (): unknown => import('../app.ts');", 'a floor above'],
  [
    'a contract that knows a room',
    'src/layer/layer.ts',
    "import type { X } from '../channel/box.ts';",
    'a floor above',
  ],
  ['a room that goes round by the front door', 'src/router/a.ts', "import { x } from '../index.ts';", 'a floor above'],
  [
    'two rooms of one floor',
    'src/layer/a.ts',
    "import { x } from '../transport/node/node.ts';",
    'another room of its floor',
  ],
  ['ws outside its room', 'src/socket/a.ts', "import { WebSocket } from 'ws';", 'imports ws'],
  ['src by its own name', 'src/socket/a.ts', "import { App } from 'channelbox';", 'its own package by name'],
  ['src that knows a kit', 'src/app.ts', "import { x } from '../testing/index.ts';", 'no door for src'],
  [
    'a kit behind the door',
    'testing/client/a.ts',
    "import { x } from '../../src/socket/state.ts';",
    'no door for testing',
  ],
  [
    'a kit that knows the load kit',
    'testing/target/a.ts',
    "import { x } from '../../load/index.ts';",
    'no door for testing',
  ],
  [
    'the load kit behind the door',
    'load/run/a.ts',
    "import { x } from '../../testing/client/client.ts';",
    'no door for load',
  ],
  ['a file without a place', 'src/new.ts', "import { x } from './errors.ts';", 'src/new.ts has no place'],
];

describe('the floors', () => {
  test('hold in src, testing and load', async () => {
    expect(offencesOf(await filesOfTrees())).toEqual([]);
  });

  test.each(planted)('refuse %s', (_what, file, code, said) => {
    expect(offencesOf(new Map([[file, code]]))).toEqual([expect.stringContaining(said)]);
  });

  test('refuse two rooms that know each other, over a third as well', () => {
    const uses = (to: string): string => `import { x } from '${to}';`;
    const files = {
      'load/run/a.ts': uses('./b/b.ts'),
      'load/run/b/b.ts': uses('../c/c.ts'),
      'load/run/c/c.ts': uses('../a.ts'),
    };
    expect(offencesOf(new Map(Object.entries(files)))).toEqual(['load/run → load/run/b → load/run/c → load/run']);
  });

  test('refuse the thirteenth file of a room, and leave an import in a comment alone', () => {
    const room = Array.from(
      { length: 13 },
      (_, index) => [`load/plan/f${index}.ts`, " * import { x } from 'ws';"] as const,
    );
    expect(offencesOf(new Map(room))).toEqual([expect.stringContaining('load/plan: 13 files, at most 12')]);
    expect(offencesOf(new Map(room.slice(1)))).toEqual([]);
  });
});
