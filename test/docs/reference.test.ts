import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../../src/limits.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

function codesIn(folder: string): string[] {
  const files = readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts')).map((file) => read(`${folder}/${file}`));
  return sources.flatMap((source) =>
    [...source.matchAll(/'(CHANNELBOX_[A-Z0-9_]+)'/g)].map((match) => match[1] as string),
  );
}

describe('docs/errors.md', () => {
  const documented = [...read('docs/errors.md').matchAll(/^\| `(CHANNELBOX_[A-Z0-9_]+)`/gm)].map((match) => match[1]);

  test('heads every code that src and testing throw', () => {
    expect(
      [...new Set([...codesIn('src'), ...codesIn('testing')])].filter((code) => !documented.includes(code)),
    ).toEqual([]);
  });

  test('heads none that nobody throws', () => {
    const thrown = new Set([...codesIn('src'), ...codesIn('testing')]);
    const frames = documented.filter((code) => code?.startsWith('CHANNELBOX_FRAME_'));
    expect(frames).toHaveLength(4);
    expect(documented.filter((code) => !frames.includes(code) && !thrown.has(code as string))).toEqual([]);
  });
});

test('docs/guide.md has every limit with its default', () => {
  const table = read('docs/guide.md').split('<!-- limits')[1] ?? '';
  const rows = [...table.matchAll(/^\| `(\w+)` +\| (\S+) +\|/gm)].map((match) => [match[1], match[2]]);
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(Object.entries(defaultLimits).map(([name, value]) => [name, String(value)])),
  );
});
