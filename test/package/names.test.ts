import { beforeAll, describe, expect, test } from 'vitest';
import { sourceFiles, type SourceFile } from './source-files.ts';
/** Words of houses, hotels and theatres, for things that RFC 6455, Node or the field have a name for. */
const strange =
  /(?<![a-z])(seat|guest|reception|doorway|passage|lodger|curtain|usher|concierge|tenant|landlord|butler|backstage|audience|spotlight)/i;

/** Names under which a type, an interface or a class is declared, with the files that do; another name for an import is none. */
function declarations(files: readonly SourceFile[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { path, text } of files) {
    for (const match of text.matchAll(/^(?:export )?(?:abstract )?(?:interface|class|type) (\w+)(?:<.*?>)?(.*)$/gm)) {
      const [, name = '', rest = ''] = match;
      const isImported = new RegExp(`\\b${name} as ${/^ = (\w+);$/.exec(rest)?.[1] ?? '-'}\\b`).test(text);
      if (!isImported) found.set(name, [...(found.get(name) ?? []), path]);
    }
  }
  return found;
}

const twice = (files: readonly SourceFile[]): string[] =>
  [...declarations(files)].flatMap(([name, paths]) => {
    const places = [...new Set(paths)];
    return places.length > 1 ? [`${name}: ${places.join(', ')}`] : [];
  });

const strangers = (files: readonly SourceFile[]): string[] =>
  files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const words = line.replaceAll(/([a-z])([A-Z])/g, '$1 $2');
      return strange.test(words) ? [`${path}:${index + 1}: ${line.trim()}`] : [];
    }),
  );

let files: readonly SourceFile[];
beforeAll(async () => {
  files = (await sourceFiles('src', 'testing', 'load')).filter(({ path }) => path.endsWith('.ts'));
});

describe('the names of types', () => {
  test('mean one thing each, in src, testing and load together', () => {
    expect(twice(files)).toEqual([]);
  });

  test('are told apart where two files declare one, and not where one passes on the name of another', () => {
    const a = { path: 'src/a.ts', text: 'export interface Slot {}\nexport class Wall<T> {}\n' };
    const b = { path: 'load/b.ts', text: "import type { Wall as View } from '../a.ts';\nexport type Wall = View;\n" };
    expect(twice([a, b])).toEqual([]);
    expect(twice([a, b, { path: 'load/c.ts', text: 'type Slot = 1;\n' }])).toEqual(['Slot: src/a.ts, load/c.ts']);
  });
});

describe('the words', () => {
  test('are those of the field, in names and in comments', () => {
    expect(strangers(files)).toEqual([]);
  });

  test('are found in the middle of a name, and not in the middle of a word', () => {
    const path = 'src/a.ts';
    expect(
      strangers([
        { path, text: 'const lastGuest = 1;' },
        { path, text: '// the seats of a group' },
      ]),
    ).toHaveLength(2);
    expect(strangers([{ path, text: '// a test of conseats' }])).toEqual([]);
  });
});
