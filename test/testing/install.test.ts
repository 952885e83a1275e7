import { setTimeout as realSetTimeout } from 'node:timers';
import { App } from 'channelbox';
import { TestClock, testApp } from 'channelbox/testing';
import { describe, expect, test, vi } from 'vitest';

const real = { setTimeout, setInterval, clearTimeout, clearInterval, Date };

function expectRealGlobals(): void {
  expect({ setTimeout, setInterval, clearTimeout, clearInterval, Date }).toEqual(real);
  for (const [name, value] of Object.entries(real)) expect(globalThis[name as 'Date']).toBe(value);
}

/** Says `tick` each second, by the global interval. */
function ticker(): App {
  return new App().wsRoute('/ticks', async (ws) => {
    await ws.accept();
    const timer = setInterval(() => void ws.sendText(`tick ${Date.now()}`), 1_000);
    ws.signal.addEventListener('abort', () => clearInterval(timer));
    await ws.receive().catch(() => {});
  });
}

describe('clocks that are installed', () => {
  test.each([
    ['the first one first', [0, 1, 2]],
    ['the last one first', [2, 1, 0]],
    ['the middle one first', [1, 0, 2]],
  ])('end in any order: %s', async (_which, order) => {
    const clocks = [1, 2, 3].map((startsAt) => new TestClock({ startsAt }));
    const installed = clocks.map((clock) => clock.install());
    for (const at of order) {
      expect(Date.now()).toBeLessThan(10);
      installed[at]?.[Symbol.dispose]();
      installed[at]?.[Symbol.dispose]();
    }
    expectRealGlobals();
  });

  test('are nested: the inner one is meant until it ends', async () => {
    const outer = new TestClock({ startsAt: 1 });
    const inner = new TestClock({ startsAt: 2 });
    const fired: string[] = [];
    {
      using _outer = outer.install();
      setTimeout(() => fired.push('outer'), 10);
      {
        using _inner = inner.install();
        setTimeout(() => fired.push('inner'), 10);
        expect(Date.now()).toBe(2);
      }
      expect(Date.now()).toBe(1);
      await outer.advance(10);
      await inner.advance(10);
    }
    expect(fired).toEqual(['outer', 'inner']);
    expectRealGlobals();
  });

  test('follow one another', async () => {
    for (const startsAt of [1, 2]) {
      using _installed = new TestClock({ startsAt }).install();
      expect(Date.now()).toBe(startsAt);
    }
    expectRealGlobals();
  });

  test('may be the same one twice', () => {
    const clock = new TestClock({ startsAt: 5 });
    const [one, two] = [clock.install(), clock.install()];
    one[Symbol.dispose]();
    expect(Date.now()).toBe(5);
    two[Symbol.dispose]();
    expectRealGlobals();
  });

  describe.concurrent('by tests beside each other', () => {
    test.each([1, 5, 3])('are each the one of their own test: %i ticks', async (count) => {
      const t = testApp(ticker(), { clock: new TestClock({ startsAt: count * 1_000_000 }) });
      using _installed = t.clock.install();
      const ann = await t.connect('/ticks');
      for (let at = 1; at <= count; at += 1) {
        await t.clock.advance('1s');
        await ann.expect(`tick ${count * 1_000_000 + at * 1_000}`);
        expect(Date.now()).toBe(count * 1_000_000 + at * 1_000);
        let hasFired = false;
        setTimeout(() => {
          hasFired = true;
        }, 0);
        await t.clock.advance(0);
        expect(hasFired).toBe(true);
      }
      await ann.close();
      await t.close();
    });
  });

  test('leave a handler of another app in its own time', async () => {
    const one = testApp(ticker());
    const other = testApp(ticker());
    using _one = one.clock.install();
    using _other = other.clock.install();
    const [ann, bob] = [await one.connect('/ticks'), await other.connect('/ticks')];
    await one.clock.advance('2s');
    await ann.expectSequence([/^tick/, /^tick/]);
    await bob.expectNothing();
    await Promise.all([ann.close(), bob.close()]);
    await one.close();
    await other.close();
  });

  test('leave timers alone that were set before: they fire, and can be cleared', async () => {
    const fired: string[] = [];
    const cleared = setTimeout(() => fired.push('cleared'), 1);
    const kept = setTimeout(() => fired.push('kept'), 1);
    {
      using _installed = new TestClock().install();
      clearTimeout(cleared);
      clearTimeout(+setTimeout(() => fired.push('ours'), 1));
    }
    // real time: both timers are real
    await new Promise((resolve) => realSetTimeout(resolve, 5));
    expect(fired).toEqual(['kept']);
    expect(kept.hasRef()).toBe(true);
  });

  test('pass through to the real ones for whoever kept a function of theirs', async () => {
    const installed = new TestClock({ startsAt: 1 }).install();
    const kept = { setTimeout, Date };
    installed[Symbol.dispose]();
    expect(kept.Date.now()).toBeGreaterThan(1_000_000);
    expect(new kept.Date().getTime()).toBeGreaterThan(1_000_000);
    // real time: that is what is asked here
    await new Promise<void>((resolve) => kept.setTimeout(resolve, 1));
  });

  test("live with a runner's fake timers, whichever of the two ends first", () => {
    for (const isInner of [true, false]) {
      if (isInner) vi.useFakeTimers();
      const installed = new TestClock({ startsAt: 1 }).install();
      if (!isInner) vi.useFakeTimers();
      installed[Symbol.dispose]();
      vi.useRealTimers();
      expect(Date.now()).toBeGreaterThan(1_000_000);
    }
  });
});
