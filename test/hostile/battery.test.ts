import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../package/run.ts';
import { battery } from './battery.ts';

const byRow = Array.from({ length: 84 }, (_, at) => battery.filter(({ row }) => row === at + 1));

describe('the battery of bad input', () => {
  test('has each of its rows once', () => {
    expect(byRow.map((rows) => rows.length)).toEqual(byRow.map(() => 1));
  });

  test.each(battery.filter(({ tests }) => tests.length > 0))('row $row, $what, is sent by a test', ({ tests }) => {
    for (const [file, words] of tests) expect(readFileSync(join(root, file), 'utf8'), file).toContain(words);
  });

  test('is sent over TCP where there is a wire to send it over', () => {
    const wired = battery.filter(({ row }) => row <= 58 || (row >= 67 && row <= 79));
    expect(wired.filter(({ over }) => over === 'call')).toEqual([]);
    expect(wired.filter(({ over }) => over.startsWith('does not')).map(({ row }) => row)).toEqual([25, 54]);
  });
});
