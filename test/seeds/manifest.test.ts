import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { blocksOf, seedDocuments, sectionsOf, type SeedDocument } from './manifest.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
/** The documents lie beside the project on the desk where it is written, and are no part of it. */
const desk = fileURLToPath(new URL('../../../shared/seeds/', import.meta.url));
const hasDesk = existsSync(desk);

const sourceOf = (file: string): string => readFileSync(`${here}${file}`, 'utf8');
const twinsIn = (file: string): string[] =>
  [...sourceOf(file).matchAll(/^ +test\('(.+? \d+): /gm)].map(([, title]) => title as string);
const byTitle = (documents: readonly SeedDocument[]): (readonly [string, SeedDocument])[] =>
  documents.map((document) => [document.title, document] as const);

describe('the manifest', () => {
  test('counts the code blocks of five documents', () => {
    const counts = seedDocuments.map(({ sections }) => blocksOf(sections).length);

    expect(counts).toEqual([9, 9, 14, 14, 9]);
  });

  test.each(byTitle(seedDocuments))('every block of %s has its twin, once', (_title, { twins, sections }) => {
    expect(twins.flatMap(twinsIn).toSorted()).toEqual(blocksOf(sections).toSorted());
  });

  test.each(seedDocuments.flatMap(({ twins }) => twins))('%s runs its twins over both transports', (file) => {
    expect(sourceOf(file)).toContain("describe.each(['memory', 'tcp'] as const)('over %s'");
  });

  test('a planted document shows a block that the manifest lacks', () => {
    const [document] = seedDocuments as readonly [SeedDocument];
    const text = '## **Consumer Basics**\n```python\na\n```\n## New\n```python\nb\n```\n';

    expect(sectionsOf(text, document)).toEqual({ 'Consumer Basics': 1, New: 1 });
  });

  // left out: where the documents are not beside the project, as in a clone; the manifest then stands alone
  test.runIf(hasDesk).each(byTitle(seedDocuments))(
    'agrees with the text of %s, where the documents lie beside the project',
    (_title, document) => {
      const file = readdirSync(desk).find((name) => name.startsWith(document.file)) as string;

      expect(sectionsOf(readFileSync(`${desk}${file}`, 'utf8'), document)).toEqual(document.sections);
    },
  );
});
