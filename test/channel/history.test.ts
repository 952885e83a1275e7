import type { HistoryBounds, Position } from 'channelbox';
import { expect, test } from 'vitest';
import { History } from '../../src/layer/history.ts';
import { randomFrom } from '../layer/broker.ts';

const wide: HistoryBounds = { bytesMax: Infinity, countMax: Infinity, ttlMs: Infinity, totalBytesMax: Infinity };

function add(history: History, text: string, bounds = wide, atMs = 0): Position {
  return history.append({ kind: 'string', text }, { uuid: text, created: 0, atMs }, bounds).position;
}

test('it keeps what a naive list keeps, by bytes, count and age, and tells every gap', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const random = randomFrom(seed);
    const below = (count: number): number => Math.floor(random() * count);
    const bounds = { ...wide, bytesMax: 20 + below(60), countMax: 1 + below(12), ttlMs: 20 + below(100) };
    const history = new History('e');
    let naive: { text: string; atMs: number; offset: number }[] = [];
    let nowMs = 0;
    let offset = 0;
    for (let step = 0; step < 200; step += 1) {
      nowMs += below(15);
      const text = 'x'.repeat(below(15));
      add(history, text, bounds, nowMs);
      naive.push({ text, atMs: nowMs, offset: (offset += 1) });
      const bytes = (): number => naive.reduce((sum, one) => sum + one.text.length, 0);
      naive = naive.filter(({ atMs }) => nowMs - atMs < bounds.ttlMs);
      while (naive.length > bounds.countMax || bytes() > bounds.bytesMax) naive.shift();
      const cost = bytes() + 512 * naive.length + 1024;
      expect([history.costBytes, history.count], `seed ${seed}`).toEqual([cost, naive.length]);

      const since = { epoch: 'e', offset: below(offset + 2) };
      const limit = below(6);
      const page = history.read({ since, limit, keep: 'oldest' });
      const wanted = since.offset > offset ? naive : naive.filter((one) => one.offset > since.offset);
      expect(
        page.entries.map(({ position }) => position.offset),
        `seed ${seed}`,
      ).toEqual(wanted.slice(0, limit).map((one) => one.offset));
      const oldest = naive[0]?.offset ?? offset + 1;
      expect(page.recovered, `seed ${seed}`).toBe(since.offset <= offset && since.offset + 1 >= oldest);
    }
  }
});

test('one payload larger than all that may be kept is refused and takes no offset', () => {
  const history = new History('e');
  const bounds = { ...wide, bytesMax: 3 };
  add(history, 'abc', bounds);

  expect(() => add(history, 'éé', bounds)).toThrow(expect.objectContaining({ code: 'CHANNELBOX_MESSAGE_TOO_LARGE' }));

  expect([history.position.offset, history.count]).toEqual([1, 1]);
});

test('to append and trim costs the same however much is kept', () => {
  const history = new History('e');
  const bounds = { ...wide, countMax: 20_000 };
  for (let count = 0; count < 20_000; count += 1) add(history, 'x', bounds);

  const walked = walkedIn(() => {
    for (let count = 0; count < 100_000; count += 1) add(history, 'x', bounds);
  });

  // Shifting a list of 20 000 each time would walk over 2 000 000 000.
  expect(walked).toBeGreaterThan(0);
  expect(walked).toBeLessThanOrEqual(4 * 100_000);
  expect(history.count).toBe(20_000);
});

/** How long all lists together were that `work` cut or shifted. */
function walkedIn(work: () => void): number {
  const { slice, splice, shift } = Array.prototype;
  let walked = 0;
  const walking = <F extends (...given: never[]) => unknown>(move: F): F =>
    function (this: unknown[], ...given: never[]) {
      walked += this.length;
      return Reflect.apply(move, this, given);
    } as unknown as F;
  Object.assign(Array.prototype, { slice: walking(slice), splice: walking(splice), shift: walking(shift) });
  try {
    work();
  } finally {
    Object.assign(Array.prototype, { slice, splice, shift });
  }
  return walked;
}
