import { expect, test } from 'vitest';
import { Deadlines, type Deadline } from '../src/time/deadlines.ts';
import { randomFrom } from './layer/broker.ts';
import { ManualClock } from './manual-clock.ts';

class Entry implements Deadline {
  dueMs: number;
  filedMs = Infinity;
  heapIndex = -1;
  readonly #fallen: (entry: Entry, nowMs: number) => void;

  constructor(dueMs: number, fallen: (entry: Entry, nowMs: number) => void) {
    this.dueMs = dueMs;
    this.#fallen = fallen;
  }

  onDue(nowMs: number): void {
    this.#fallen(this, nowMs);
  }
}

test('100 000 entries cost one pending timer, and advancing past all of them lets all fall due, in order', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const random = randomFrom(1);
  const fallen: number[] = [];
  const startMs = clock.monotonic();
  let timersMost = 0;

  for (let count = 0; count < 100_000; count += 1) {
    deadlines.schedule(new Entry(startMs + Math.floor(random() * 3_600_000), ({ dueMs }) => fallen.push(dueMs)));
    timersMost = Math.max(timersMost, clock.pending);
  }
  expect([deadlines.size, timersMost]).toEqual([100_000, 1]);
  clock.advance(3_600_000);

  expect(fallen).toHaveLength(100_000);
  expect(fallen.every((dueMs, at) => at === 0 || dueMs >= (fallen[at - 1] ?? 0))).toBe(true);
  expect([deadlines.size, clock.pending]).toEqual([0, 0]);
});

test('it falls due what a naive list does, at the same moment, whatever is filed, moved and dropped', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const random = randomFrom(seed);
    const below = (count: number): number => Math.floor(random() * count);
    const filed = new Map<Entry, boolean>();
    const fallen: Entry[] = [];
    let late = 0;
    const onFall = (entry: Entry, nowMs: number): void => {
      expect(nowMs, `seed ${seed}: never early`).toBeGreaterThanOrEqual(entry.dueMs);
      expect(filed.delete(entry), `seed ${seed}: filed, and falls due once`).toBe(true);
      fallen.push(entry);
      if (below(4) > 0) return;
      // Filed anew, as a heartbeat is.
      entry.dueMs = nowMs + 1 + below(50);
      filed.set(entry, true);
      deadlines.schedule(entry);
    };
    for (let step = 0; step < 400; step += 1) {
      const known = [...filed.keys()];
      const one = known[below(known.length)];
      const chance = random();
      if (chance < 0.4 || one === undefined) {
        const entry = new Entry(clock.monotonic() + below(100), onFall);
        filed.set(entry, true);
        deadlines.schedule(entry);
      } else if (chance < 0.55) one.dueMs += below(100);
      else if (chance < 0.7) {
        one.dueMs = clock.monotonic() + below(10);
        deadlines.schedule(one);
      } else if (chance < 0.8) {
        filed.delete(one);
        deadlines.cancel(one);
      } else {
        clock.advance(below(30));
        late += [...filed.keys()].filter(({ dueMs }) => dueMs < clock.monotonic()).length;
      }
      expect(deadlines.size, `seed ${seed}`).toBe(filed.size);
      expect(clock.pending, `seed ${seed}`).toBe(filed.size === 0 ? 0 : 1);
    }
    expect(fallen.length, `seed ${seed}`).toBeGreaterThan(0);
    expect(late, `seed ${seed}: nothing is late`).toBe(0);
  }
});

test('a time that moved later costs no timer, and one that is never due is not filed', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const fallen: Entry[] = [];
  const entry = new Entry(clock.monotonic() + 10, (one) => fallen.push(one));
  deadlines.schedule(entry);
  deadlines.schedule(new Entry(Infinity, (one) => fallen.push(one)));
  expect(deadlines.size).toBe(1);

  entry.dueMs += 100;
  clock.advance(50);
  expect(fallen).toEqual([]);
  clock.advance(60);
  expect(fallen).toEqual([entry]);
});

test('another clock takes over what is left of each wait', () => {
  const first = new ManualClock();
  const deadlines = new Deadlines(first);
  const fallen: string[] = [];
  const second = new ManualClock();
  second.advance(1_000_000);
  const entry = new Entry(first.monotonic() + 100, () => fallen.push('due'));
  deadlines.schedule(entry);

  first.advance(40);
  const shiftMs = second.monotonic() - first.monotonic();
  deadlines.useClock(second);
  entry.dueMs += shiftMs;

  expect([first.pending, second.pending]).toEqual([0, 1]);
  second.advance(59);
  expect(fallen).toEqual([]);
  second.advance(1);
  expect(fallen).toEqual(['due']);
});

test('a jump of the wall clock lets nothing fall due', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const fallen: Entry[] = [];
  deadlines.schedule(new Entry(clock.monotonic() + 1_000, (one) => fallen.push(one)));

  clock.jump(24 * 60 * 60 * 1000);
  clock.advance(999);

  expect(fallen).toEqual([]);
});
