import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snippetsOf, type Snippet } from './snippet.ts';
import { readSnippets, workshop, type Workshop } from './workshop.ts';

const snippets = await readSnippets();
const title = ({ document, line }: Snippet): string => `${document}:${line}`;

const page = (...blocks: readonly (readonly [info: string, ...lines: string[]])[]): string =>
  blocks.map(([info, ...lines]) => ['```' + info, ...lines, '```'].join('\n')).join('\n\nprose\n\n');

/** A document with a snippet of every kind of fault, laid among the others. */
const planted = snippetsOf(
  'planted.md',
  page(
    ['ts', '// file: sound.ts', 'export const one: number = 1;'],
    ['ts', "import { one } from './sound.ts';", "if (one !== 1) throw new Error('never');"],
    ['ts', '// file: wrong.ts', "export const two: number = 'two';"],
    ['ts', '// file: throws.ts', "throw new Error('planted');"],
    ['ts', "import { expect, test } from 'vitest';", "test('adds', () => {", '  expect(1 + 1).toBe(3);', '});'],
    ['ts no-run (would throw)', "throw new Error('not run');"],
  ),
);

let laid: Workshop;
let complaints: readonly string[];
let ends: ReadonlyMap<string, string>;
beforeAll(async () => {
  laid = await workshop('documents', [...snippets, ...planted]);
  const [compiled, executed] = await Promise.all([laid.compile(), laid.execute()]);
  complaints = compiled.output.split('\n').filter((line) => line !== '');
  ends = executed;
});
afterAll(async () => {
  await laid[Symbol.asyncDispose]();
});

const isPlanted = (complaint: string): boolean => complaint.includes('/planted/');

describe('the snippets of the documents', () => {
  test('are there', () => {
    expect(snippets.length).toBeGreaterThan(0);
  });

  test('compile together', () => {
    expect(complaints.filter((complaint) => !isPlanted(complaint))).toEqual([]);
  });

  test.each(snippets.filter(({ fate }) => fate !== 'compile').map((snippet) => [title(snippet), snippet] as const))(
    '%s runs',
    (_title, snippet) => {
      expect(ends.get(laid.pathOf(snippet))).toBe('');
    },
  );
});

describe('the cutter', () => {
  test('takes TypeScript and leaves other languages, also fences within fences', () => {
    const markdown = `${page(['sh', 'npm test'], ['ts', 'export const a = 1;'])}\n\n~~~~md\n${page(['ts', 'nonsense'])}\n~~~~\n`;

    expect(snippetsOf('a.md', markdown)).toEqual([
      { document: 'a.md', line: 7, file: 'line-7.ts', text: 'export const a = 1;\n', fate: 'import' },
    ]);
  });

  test('tells tests, programs and what is only compiled apart', () => {
    const markdown = page(
      ['ts', '// file: room.ts', 'x();'],
      ['ts', "test('a', () => {});"],
      ['ts no-run (needs a server)', 'y();'],
    );

    expect(snippetsOf('a.md', markdown).map(({ file, fate }) => [file, fate])).toEqual([
      ['room.ts', 'import'],
      ['line-8.test.ts', 'test'],
      ['line-14.ts', 'compile'],
    ]);
  });

  test.each([
    ['a no-run without a reason', page(['ts no-run', 'x();']), 'a.md:1: "no-run" after ts'],
    ['an unknown word', page(['ts skip', 'x();']), '"skip" after ts'],
    ['a fence that is never closed', '```ts\nx();\n', 'a.md:1: this fence is never closed'],
    ['two files of one name', page(['ts', '// file: a.ts'], ['ts', '// file: a.ts']), 'already named in line 1'],
    ['a file outside the document', page(['ts', '// file: ../a.ts']), 'a name like room.ts'],
    ['tests in a file that is not named so', page(['ts', '// file: a.ts', "test('x', () => {});"]), 'room.test.ts'],
  ])('refuses %s', (_what, markdown, message) => {
    expect(() => snippetsOf('a.md', markdown)).toThrow(message);
  });
});

describe('the runner', () => {
  test('finds the snippet that does not compile, and no other', () => {
    expect(complaints.filter(isPlanted)).toEqual([expect.stringMatching(/planted\/wrong\.ts.* error TS/)]);
  });

  test('finds the snippet that throws and the test that fails', () => {
    const verdicts = planted.map((snippet) => [snippet.file, ends.get(laid.pathOf(snippet))?.split('\n')[0]]);
    expect(verdicts).toEqual([
      ['sound.ts', ''],
      ['line-8.ts', ''],
      ['wrong.ts', ''],
      ['throws.ts', expect.stringContaining('planted')],
      ['line-29.test.ts', expect.stringContaining('expected 2 to be 3')],
      ['line-38.ts', undefined],
    ]);
  });
});
