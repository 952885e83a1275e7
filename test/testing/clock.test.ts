import { setTimeout as pause } from 'node:timers/promises'; // real time: the kit is told apart from it
import { testApp, TestClock } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { echoOf, rooms } from './apps.ts';

describe('a test clock', () => {
  test('fires by due time, then by the order of setting, one timer at a time', async () => {
    const clock = new TestClock();
    const fired: string[] = [];
    for (const [name, ms] of [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['now', 0],
    ] as const) {
      clock.setTimeout(() => fired.push(`${name}@${clock.monotonic()}`), ms);
    }
    await clock.advance(25);
    expect(fired).toEqual(['now@0', 'a@10', 'b1@20', 'b2@20']);
    expect(clock.monotonic()).toBe(25);
    await clock.advance('5ms');
    expect(fired.at(-1)).toBe('c@30');
  });

  test('holds as a heap under ten thousand timers, half of them cleared', async () => {
    const clock = new TestClock();
    const fired: number[] = [];
    const dues = Array.from({ length: 10_000 }, (_, at) => (at * 7_919) % 10_007);
    const timers = dues.map((due) => clock.setTimeout(() => fired.push(due), due));
    for (let at = 0; at < timers.length; at += 2) clock.clearTimeout(timers[at] as never);
    expect(clock.pending()).toHaveLength(5_000);
    const dueMs = clock.pending().map((timer) => timer.dueMs);
    expect(dueMs).toEqual(dueMs.toSorted((one, other) => one - other));
    for (const timer of timers.slice(100)) clock.clearTimeout(timer);
    await clock.advance('1m');
    const due = dues.filter((_, at) => at % 2 === 1 && at < 100);
    expect(fired).toEqual(due.toSorted((one, other) => one - other));
  });

  test('lets everything settle between two timers: 10 000 awaits, ticks and microtasks in turn', async () => {
    const clock = new TestClock();
    const seen: string[] = [];
    const pingPong = (left: number, done: () => void): void => {
      if (left === 0) done();
      else process.nextTick(() => queueMicrotask(() => pingPong(left - 1, done)));
    };
    const chain = async (): Promise<void> => {
      for (let depth = 0; depth < 10_000; depth += 1) await Promise.resolve();
      seen.push('awaited');
    };
    clock.setTimeout(() => void chain(), 10);
    clock.setTimeout(() => seen.push('next'), 10);
    clock.setTimeout(() => pingPong(5_000, () => seen.push('ping-pong')), 20);
    clock.setTimeout(() => seen.push('last'), 20);
    await clock.advance(20);
    expect(seen).toEqual(['awaited', 'next', 'ping-pong', 'last']);
  });

  test('fires what its timers set, where that falls due too', async () => {
    const clock = new TestClock();
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
      clock.setTimeout(tick, 60_000);
    };
    tick();
    await clock.advance('1h');
    expect(ticks).toBe(61);
  });

  test('moves to the next timer, and says where there is none', async () => {
    const clock = new TestClock();
    clock.setTimeout(() => clock.setTimeout(() => {}, 5), 10);
    expect([await clock.next(), clock.monotonic()]).toEqual([true, 10]);
    expect([await clock.next(), clock.monotonic()]).toEqual([true, 15]);
    expect([await clock.next(), clock.monotonic()]).toEqual([false, 15]);
  });

  test('takes durations in their units', async () => {
    const clock = new TestClock();
    for (const by of [5, '250ms', '1.5s', '2m', '1h'] as const) await clock.advance(by);
    expect(clock.monotonic()).toBe(5 + 250 + 1_500 + 120_000 + 3_600_000);
  });

  test('jumps as a wall clock, and not as a monotonic one', async () => {
    const clock = new TestClock({ startsAt: Date.UTC(2030, 0, 1) });
    let firedAt = -1;
    clock.setTimeout(() => {
      firedAt = clock.monotonic();
    }, 100);
    await clock.advance(40);
    expect(clock.now()).toBe(Date.UTC(2030, 0, 1) + 40);
    clock.setWall(Date.UTC(1999, 11, 31));
    expect(clock.now()).toBe(Date.UTC(1999, 11, 31));
    expect(clock.monotonic()).toBe(40);
    await clock.advance(60);
    expect(firedAt).toBe(100);
    expect(clock.now()).toBe(Date.UTC(1999, 11, 31) + 60);
  });

  test('says what is pending: when, what, and who set it', () => {
    const clock = new TestClock();
    clock.setTimeout(() => {}, 20, 'the second');
    clock.setTimeout(() => {}, 10, 'the first');
    void clock.sleep(30);
    const pending = clock.pending();
    expect(pending.map(({ dueMs, label }) => [dueMs, label])).toEqual([
      [10, 'the first'],
      [20, 'the second'],
      [30, 'clock.sleep'],
    ]);
    for (const { stack } of pending) expect(stack.split('\n')[0]).toContain('clock.test.ts');
  });

  test('wakes who sleeps, or lets the signal wake it', async () => {
    const clock = new TestClock();
    const woken: number[] = [];
    const stop = new AbortController();
    const slept = clock.sleep(100).then(() => woken.push(clock.monotonic()));
    const stopped = clock.sleep(1_000, stop.signal);
    await clock.advance(100);
    await slept;
    stop.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    await expect(clock.sleep(5, stop.signal)).rejects.toThrow('enough');
    expect(woken).toEqual([100]);
    expect(clock.pending()).toEqual([]);
  });

  test('tells a sleep of the test itself that could never wake, with advice', async () => {
    const clock = new TestClock();
    const error = await clock.sleep(50).catch((refused: Error) => refused);
    expect((error as Error).message).toContain('it would never wake');
    expect((error as Error).message).toContain('await clock.advance(50)');
    expect((error as Error).stack).toMatch(/at .*clock\.test\.ts/);
    expect(clock.pending()).toEqual([]);
  });

  test('leaves a sleep alone that somebody wakes meanwhile, and a loop that the app began', async () => {
    let ticks = 0;
    const t = testApp(({ clock }) => {
      void (async () => {
        for (;;) {
          await clock.sleep(1_000);
          ticks += 1;
        }
      })();
      return rooms();
    });
    const sleep = t.clock.sleep(3_000);
    await Promise.all([sleep, t.clock.advance('3s')]);
    expect(ticks).toBe(3);
    await t.close();
  });

  test('stands behind global timers and Date while it is installed', async () => {
    const clock = new TestClock({ startsAt: 1_000_000 });
    const real = { setTimeout, setInterval, clearTimeout, clearInterval, Date };
    const seen: unknown[] = [];
    {
      using _ = clock.install();
      expect(Date.now()).toBe(1_000_000);
      expect(new Date().getTime()).toBe(1_000_000);
      expect(new Date(5).getTime()).toBe(5);
      expect(new Date()).toBeInstanceOf(Date);
      expect(Date.UTC(2000, 0)).toBe(real.Date.UTC(2000, 0));
      const timeout = setTimeout((...given: unknown[]) => seen.push(...given), 10, 'with', 'arguments');
      expect(timeout.hasRef()).toBe(true);
      expect(timeout.unref().ref()).toBe(timeout);
      const interval = setInterval(() => seen.push(Date.now()), 20);
      clearTimeout(setTimeout(() => seen.push('cleared'), 5));
      await clock.advance(50);
      clearInterval(interval);
      await clock.advance(50);
      const again = setTimeout(() => seen.push('refreshed'), 10);
      await clock.advance(8);
      again.refresh();
      await clock.advance(8);
      expect(seen).toEqual(['with', 'arguments', 1_000_020, 1_000_040]);
      await clock.advance(2);
      expect(seen.at(-1)).toBe('refreshed');
      clearTimeout(undefined);
    }
    expect({ setTimeout, setInterval, clearTimeout, clearInterval, Date }).toEqual(real);
    await pause(1); // real time: what a handler outside of the kit waits for
  });

  test('drives an app whose handlers use global timers, installed', async () => {
    await using t = testApp(
      echoOf((ws, text) => {
        setTimeout(() => void ws.sendText(`${text} later`), 5_000);
      }),
    );
    using _ = t.clock.install();
    const ann = await t.connect('/x');
    ann.send('hi');
    await ann.expectNothing({ for: '4s' });
    await ann.expect('hi later', { within: '1s' });
  });

  test('gives a factory its time, and chance that is the same each run', async () => {
    const drawn: unknown[] = [];
    for (const seed of [7, 7, 8]) {
      await using t = testApp(
        (env) => {
          drawn.push([env.random(), env.uuid()]);
          return echoOf((ws) => ws.sendText(`${ws.id} ${ws.app.clock === env.clock}`));
        },
        { seed },
      );
      const ann = await t.connect('/x');
      ann.send('who');
      drawn.push(await ann.receiveText());
    }
    expect(drawn.slice(0, 2)).toEqual(drawn.slice(2, 4));
    expect(drawn[1]).toMatch(/^[0-9a-f-]{36} true$/);
    expect(drawn[4]).not.toEqual(drawn[0]);
  });
});
