import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BoxError } from 'channelbox';
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
  const documented = [...read('docs/errors.md').matchAll(/^### (CHANNELBOX_[A-Z0-9_]+)$/gm)].map((match) => match[1]);

  const variables = ['CHANNELBOX_LOAD_GENERATOR', 'CHANNELBOX_SEED'];
  /** Names of variables of the environment are no codes. */
  const thrown = new Set(['src', 'testing', 'load'].flatMap(codesIn).filter((code) => !variables.includes(code)));

  test('heads every code that is thrown, as "### CODE"', () => {
    expect([...thrown].filter((code) => !documented.includes(code))).toEqual([]);
  });

  test('has them in order, each once', () => {
    const names = documented.map(String);
    expect(names).toEqual([...new Set(names)].toSorted());
  });

  test('is where the help of an error leads', () => {
    const { help } = new BoxError('CHANNELBOX_GROUP_NAME', 'an empty name');
    const { homepage } = JSON.parse(read('package.json')) as { homepage: string };
    expect(help).toBe(`${homepage.replace('#readme', '')}/blob/main/docs/errors.md#channelbox_group_name`);
  });

  test('heads none that nobody throws', () => {
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
