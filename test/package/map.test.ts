import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mapOf, sentenceOf, withMap } from '../../build/map.ts';
import { root } from './run.ts';
import { hasVerb } from './sentence.ts';
import { sourceFiles } from './source-files.ts';

const lines = (text: string): string[] =>
  text.split(/\n+/).flatMap((line) => (/^(- `|\*\*`)/.test(line) ? [line.replaceAll('\\', '').trim()] : []));

test('every file of src, testing and load says in its first sentence what it is for, and the map has it', async () => {
  const files = (await sourceFiles('src', 'testing', 'load')).filter(({ path }) => path.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => (sentenceOf(file) ?? '').length < 12).map(({ path }) => path)).toEqual([]);

  const document = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  const [standing, due] = [lines(document), lines(mapOf(files))];
  const missing = due.filter((line) => !standing.includes(line));
  // Otherwise: npm run map
  expect({ missing, stale: standing.filter((line) => !due.includes(line)) }).toEqual({ missing: [], stale: [] });
});

test('the first sentence of every file has a subject and a verb, or begins with what the file does', async () => {
  const files = (await sourceFiles('src', 'testing', 'load')).filter(({ path }) => path.endsWith('.ts'));
  const sentences = files.map((file) => `${file.path}: ${sentenceOf(file) ?? ''}`);
  expect(sentences.filter((line) => !hasVerb(line.slice(line.indexOf(': ') + 2)))).toEqual([]);
});

test.each([
  ['Reads the frames of one server (RFC 6455 §5.2).', true],
  ['`channelbox/load`: drives a deployment with thousands of clients.', true],
  ['An app takes upgrades in: each is served.', true],
  ['Positions go up by one within an epoch; a gap stands only behind a page.', true],
  ['Upgrades in, connections served, an orderly drain out.', false],
  ['What a socket needs of its app.', false],
  ['A client that no test reads.', false],
  ['One row of the table: a flag, its variable, its default and how it is read.', false],
])('%j has a verb of its own: %s', (sentence, isSo) => {
  expect(hasVerb(sentence)).toBe(isSo);
});

test.each([
  ['/** Reads a room: all of it. More of it. */\nexport const x = 1;\n', 'Reads a room: all of it.'],
  ['import a from "a";\n/** A host. */\nexport interface RoomHost {}\n/** Opens. */\nexport class Room {}\n', 'Opens.'],
  ['/**\n * Lists:\n * - `one`: a\n */\nexport const x = 1;\n', 'Lists:'],
  ['/** @module channelbox/room: finds rooms. */\n', 'finds rooms.'],
  ['export const x = 1;\n', undefined],
])('%j says %j', (text, sentence) => {
  expect(sentenceOf({ path: 'src/room.ts', text })).toBe(sentence);
});

test('a map takes the place of the one before it, and nothing else changes', () => {
  const document = 'before\n<!-- map: written by npm run map -->\nold\n<!-- end of the map -->\nafter\n';
  const map = mapOf([
    { path: 'src/b/two.ts', text: '/** Two. */' },
    { path: 'src/one.ts', text: '/** One. */' },
  ]);
  const made = withMap(document, map);
  expect(made).toMatch(/^before\n[^]*`src\/`[^]*- `one.ts` One\.[^]*`src\/b\/`[^]*- `two.ts` Two\.[^]*\nafter\n$/);
  expect(withMap(made, map)).toBe(made);
});
