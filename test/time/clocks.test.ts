import type { Clock } from 'channelbox';
import { TestClock } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/time/clock.ts';
import { NodeClock } from '../../testing/simulator/world/clock.ts';
import { World } from '../../testing/simulator/world/world.ts';
import { Tape } from '../../testing/simulator/tape/tape.ts';
import { ManualClock } from '../manual-clock.ts';
import { sourceFiles } from '../package/source-files.ts';

/** A clock, and how its time goes on. */
interface Ticking {
  readonly clock: Clock;
  /** Ends when at least so much time has gone by, and all that was due has run. */
  pass(ms: number): Promise<void>;
}

const clocks: Readonly<Record<string, () => Ticking>> = {
  SystemClock: () => ({
    clock: new SystemClock(),
    // real time: it is this clock's
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 2)),
  }),
  TestClock: () => {
    const clock = new TestClock();
    return { clock, pass: (ms) => clock.advance(ms) };
  },
  NodeClock: () => {
    const world = new World({ tape: new Tape({ seed: 1 }) });
    const clock = new NodeClock({ world, enter: (run) => run() });
    return { clock, pass: (ms) => world.runUntil(world.nowMs + ms) };
  },
  ManualClock: () => {
    const clock = new ManualClock();
    return { clock, pass: (ms) => clock.pass(ms) };
  },
};

test('every class that implements Clock is tried here', async () => {
  const files = (await sourceFiles('src', 'testing', 'load', 'test')).filter(
    ({ path }) => path.endsWith('.ts') && !path.startsWith('test/package/'),
  );
  const found = files.flatMap(({ text }) =>
    [...text.matchAll(/^(?:export )?class (\w+)[^{\n]* implements [^{\n]*\bClock\b/gm)].map(([, name = '']) => name),
  );
  expect(found.toSorted()).toEqual(Object.keys(clocks).toSorted());
});

describe.each(Object.entries(clocks))('%s', (_name, make) => {
  test('goes on by what has passed, on both of its scales, and never back', async () => {
    const { clock, pass } = make();
    const [monotonic, wall] = [clock.monotonic(), clock.now()];
    await pass(20);
    expect(clock.monotonic() - monotonic).toBeGreaterThanOrEqual(20);
    // The system's wall clock has whole milliseconds.
    expect(clock.now() - wall).toBeGreaterThanOrEqual(19);
  });

  test('says when a timer is due, and fires it no earlier, once', async () => {
    const { clock, pass } = make();
    const firedAt: number[] = [];
    const setAt = clock.monotonic();
    const { dueMs } = clock.setTimeout(() => firedAt.push(clock.monotonic()), 20, 'a label');
    expect(dueMs).toBeGreaterThanOrEqual(setAt + 20);
    await pass(5);
    await pass(20);
    await pass(20);
    expect(firedAt).toHaveLength(1);
    // Node counts a timer from the whole millisecond in which it is set.
    expect(firedAt[0]).toBeGreaterThanOrEqual(dueMs - 1);
  });

  test('rounds no wait down, in whatever part of a millisecond it begins', async () => {
    const { clock, pass } = make();
    const early: number[] = [];
    for (let tenth = 0; tenth < 100; tenth += 1) {
      // real time: none but a part of a millisecond, for the clock that has parts
      for (const untilMs = performance.now() + (tenth % 10) / 10; performance.now() < untilMs;);
      const { dueMs } = clock.setTimeout(() => early.push(dueMs - clock.monotonic()), 3);
      await pass(4);
    }
    expect(early).toHaveLength(100);
    expect(Math.max(...early)).toBeLessThanOrEqual(1);
  });

  test('fires by due time, and what is due at once by the order of setting', async () => {
    const { clock, pass } = make();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push('late'), 25);
    clock.setTimeout(() => fired.push('first'), 10);
    clock.setTimeout(() => fired.push('second'), 10);
    await pass(40);
    expect(fired).toEqual(['first', 'second', 'late']);
  });

  test.each([0, -5])('fires a timer of %s ms soon, and not within the call that sets it', async (ms) => {
    const { clock, pass } = make();
    let isInCall = true;
    const fired: boolean[] = [];
    clock.setTimeout(() => fired.push(isInCall), ms);
    isInCall = false;
    await pass(5);
    expect(fired).toEqual([false]);
  });

  test('forgets a timer; to clear one that has fired, or of another clock, changes nothing', async () => {
    const { clock, pass } = make();
    const fired: string[] = [];
    const cleared = clock.setTimeout(() => fired.push('cleared'), 10);
    const kept = clock.setTimeout(() => fired.push('kept'), 10);
    clock.clearTimeout(cleared);
    clock.clearTimeout(cleared);
    clock.clearTimeout({ dueMs: kept.dueMs });
    await pass(20);
    clock.clearTimeout(kept);
    expect(fired).toEqual(['kept']);
  });

  test('lets a timer set another and forget another', async () => {
    const { clock, pass } = make();
    const fired: string[] = [];
    const doomed = clock.setTimeout(() => fired.push('doomed'), 30);
    clock.setTimeout(() => {
      clock.clearTimeout(doomed);
      clock.setTimeout(() => fired.push('another'), 10);
    }, 5);
    await pass(20);
    await pass(30);
    expect(fired).toEqual(['another']);
  });

  test('sleeps for its time, and no abort afterwards matters', async () => {
    const { clock, pass } = make();
    const abort = new AbortController();
    const begunAt = clock.monotonic();
    let wokeAt = 0;
    const sleeping = clock.sleep(15, abort.signal).then(() => (wokeAt = clock.monotonic()));
    await pass(30);
    await sleeping;
    abort.abort();
    expect(wokeAt - begunAt).toBeGreaterThanOrEqual(14);
  });

  test("rejects a sleep with its signal's reason, before it and amid it", async () => {
    const { clock, pass } = make();
    const reason = new Error('enough');
    await expect(clock.sleep(10_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const rejection = clock.sleep(10_000, abort.signal).catch((error: unknown) => error);
    await pass(5);
    abort.abort(reason);
    expect(await rejection).toBe(reason);
  });
});
