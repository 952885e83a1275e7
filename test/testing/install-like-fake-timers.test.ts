import { inspect, isDeepStrictEqual, promisify } from 'node:util';
import FakeTimers from '@sinonjs/fake-timers';
import { TestClock } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

/** Global timers and dates of either kind. */
interface Moved extends Disposable {
  advance(ms: number): Promise<void>;
}

const startsAt = Date.UTC(2025, 0, 1);

const kinds = {
  ours: (): Moved => {
    const clock = new TestClock({ startsAt });
    const installed = clock.install();
    return { advance: (ms) => clock.advance(ms), [Symbol.dispose]: () => installed[Symbol.dispose]() };
  },
  theirs: (): Moved => {
    const toFake = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] as const;
    const clock = FakeTimers.install({ now: startsAt, toFake: [...toFake] });
    return { advance: async (ms) => void (await clock.tickAsync(ms)), [Symbol.dispose]: () => clock.uninstall() };
  },
};

type Said = Promise<readonly unknown[]>;
type Case = readonly [name: string, run: (moved: Moved, say: (what: unknown) => void) => Promise<void> | void];

const madeBefore = new Date(0);
const RealDate = Date;

const cases: readonly Case[] = [
  ['Date.now() and new Date()', (_, say) => [Date.now(), new Date().getTime(), new Date(5).getTime()].forEach(say)],
  [
    'new Date of parts',
    (_, say) => say(new Date(2020, 1, 3, 4, 5, 6, 7).getTime() === new RealDate(2020, 1, 3, 4, 5, 6, 7).getTime()),
  ],
  ['Date() without new is the text of now', (_, say) => say(Date() === new RealDate(startsAt).toString())],
  [
    'Date.parse, Date.UTC, Date.length, Date.name',
    (_, say) => [Date.parse('2020-01-01'), Date.UTC(2020, 1), Date.length, Date.name].forEach(say),
  ],
  ['a date from before is a Date', (_, say) => say(madeBefore instanceof Date)],
  ['a date of now is one of before', (_, say) => say(new Date() instanceof RealDate)],
  ['a clone is a Date', (_, say) => say(structuredClone(new Date()) instanceof Date)],
  [
    'a date is a Date for a schema',
    (_, say) => say(z.date().safeParse(madeBefore).success && z.date().safeParse(new Date()).success),
  ],
  [
    'a class of its own may extend Date',
    (_, say) => {
      class Day extends Date {
        isDay = true;
      }
      const day = new Day();
      [day instanceof Day, day instanceof Date, day.isDay, day.getTime()].forEach(say);
    },
  ],
  ['the tag of a date', (_, say) => say(Object.prototype.toString.call(new Date()))],
  [
    'time moves Date',
    async ({ advance }, say) => {
      await advance(1_500);
      say(Date.now() - startsAt);
    },
  ],
  [
    'timers fire in order, with their arguments',
    async ({ advance }, say) => {
      setTimeout(say, 20, 'second');
      setTimeout(say, 10, 'first');
      setTimeout(say, 20, 'third');
      await advance(19);
      say('19 ms');
      await advance(1);
    },
  ],
  [
    'a timer without a time, and one with an odd time',
    async ({ advance }, say) => {
      for (const ms of [undefined, null, Number.NaN, -5, '7', 2 ** 31]) setTimeout(() => say(String(ms)), ms as number);
      await advance(0);
      say('0 ms');
      await advance(1);
      say('1 ms');
      await advance(6);
    },
  ],
  [
    'an interval repeats until it is cleared',
    async ({ advance }, say) => {
      const timer = setInterval(() => say(Date.now() - startsAt), 10);
      await advance(35);
      clearInterval(timer);
      await advance(50);
    },
  ],
  [
    'an interval that clears itself',
    async ({ advance }, say) => {
      let count = 0;
      const timer = setInterval(() => {
        say((count += 1));
        if (count === 2) clearInterval(timer);
      }, 10);
      await advance(100);
    },
  ],
  [
    'an interval is cleared by clearTimeout, a timeout by clearInterval',
    async ({ advance }, say) => {
      clearTimeout(setInterval(() => say('interval'), 10));
      clearInterval(setTimeout(() => say('timeout'), 10));
      await advance(30);
      say('over');
    },
  ],
  [
    'refresh begins anew',
    async ({ advance }, say) => {
      const timer = setTimeout(() => say(Date.now() - startsAt), 10);
      await advance(6);
      timer.refresh();
      await advance(30);
    },
  ],
  [
    'refresh of one that has fired sets it again',
    async ({ advance }, say) => {
      const timer = setTimeout(() => say(Date.now() - startsAt), 10);
      await advance(10);
      timer.refresh();
      await advance(10);
    },
  ],
  [
    'ref, unref and hasRef',
    (_, say) => {
      const timer = setTimeout(() => {}, 5);
      [timer.hasRef(), timer.unref() === timer, timer.hasRef(), timer.ref() === timer, timer.hasRef()].forEach(say);
    },
  ],
  [
    'an unref timer fires',
    async ({ advance }, say) => {
      setTimeout(() => say('fired'), 5).unref();
      await advance(5);
    },
  ],
  [
    'a timer is a number where one is due, and is cleared by it',
    async ({ advance }, say) => {
      const timer = setTimeout(() => say('cleared by number'), 5);
      say(typeof +timer);
      clearTimeout(+timer);
      const other = setTimeout(() => say('cleared by text'), 5);
      clearTimeout(`${+other}`);
      await advance(10);
      say('over');
    },
  ],
  [
    'close and dispose clear',
    async ({ advance }, say) => {
      setTimeout(() => say('closed'), 5).close();
      setTimeout(() => say('disposed'), 5)[Symbol.dispose]();
      await advance(10);
      say('over');
    },
  ],
  [
    'promisify(setTimeout) resolves with its value',
    async ({ advance }, say) => {
      const pause = promisify(setTimeout);
      void pause(10, 'value').then(say);
      await advance(9);
      say('9 ms');
      await advance(1);
    },
  ],
  [
    'clearing nothing harms nobody',
    (_, say) => {
      clearTimeout(undefined);
      clearTimeout(null as unknown as undefined);
      say('fine');
    },
  ],
  [
    'a callback that is none is refused',
    (_, say) => {
      try {
        setTimeout('code' as unknown as () => void, 1);
      } catch (error) {
        say((error as Error).name);
      }
    },
  ],
  [
    'a timer set by a timer fires in the same stretch',
    async ({ advance }, say) => {
      setTimeout(() => setTimeout(() => say(Date.now() - startsAt), 5), 5);
      await advance(20);
    },
  ],
  [
    'promises settle between two timers',
    async ({ advance }, say) => {
      setTimeout(() => void Promise.resolve().then(() => say('after the first')), 5);
      setTimeout(() => say('the second'), 5);
      await advance(5);
    },
  ],
];

/** Where the two differ, and why. */
const differences: Readonly<Record<string, string>> = {
  'Date.parse, Date.UTC, Date.length, Date.name': "theirs is named ClockDate and takes 0 arguments; ours is Date's own",
  'close and dispose clear': "theirs lack close() and Symbol.dispose of Node's handle",
};

async function said(kind: keyof typeof kinds, run: Case[1]): Said {
  const all: unknown[] = [];
  using moved = kinds[kind]();
  try {
    await run(moved, (what) => all.push(what));
  } catch (error) {
    all.push(String(error));
  }
  return all;
}

describe('an installed clock behaves as @sinonjs/fake-timers do:', () => {
  test.each(cases)('%s', async (name, run) => {
    const [ours, theirs] = [await said('ours', run), await said('theirs', run)];
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.join()).not.toContain('Error: ');
    expect(isDeepStrictEqual(ours, theirs), `ours ${inspect(ours)}, theirs ${inspect(theirs)}`).toBe(
      !(name in differences),
    );
  });
});
