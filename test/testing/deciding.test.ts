import { readFile } from 'node:fs/promises';
import type { WebSocket } from 'channelbox';
import { testApp, TestClock } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { appOf, echoOf, over, printedBy, refusalOf, rooms, transports } from './apps.ts';

async function later(ws: WebSocket, text: string): Promise<void> {
  await ws.app.clock.sleep(Number(text));
  await ws.sendText(`after ${text}`);
}

describe.each(transports)('over %s, a wait is decided', (transport) => {
  test('by what is there, in the order of the calls, whoever is awaited first', async () => {
    await using t = testApp(
      echoOf((ws, text) => ws.sendText(text)),
      over(transport),
    );
    const ann = await t.connect('/x');
    for (const text of ['one', 'two', 'three']) ann.send(text);
    const calls = [ann.receiveText(), ann.receiveText(), ann.receiveText()] as const;
    expect(await calls[2]).toBe('three');
    expect(await calls[1]).toBe('two');
    expect(await calls[0]).toBe('one');
  });

  test('after its time at the latest, which counts from the call', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const ann = await t.connect('/x');
    ann.send('100');
    const patient = ann.receiveText({ within: 150 });
    await t.clock.advance(50);
    expect(await patient).toBe('after 100');
    expect(t.clock.monotonic()).toBe(100);
    ann.send('100');
    const hasty = ann.receiveText({ within: 80 });
    await t.clock.advance(50);
    await expect(hasty).rejects.toThrow('within 80 ms');
    expect(t.clock.monotonic()).toBe(180);
    expect(await ann.receiveText({ within: '1s' })).toBe('after 100');
  });

  test('at the deadline by a timer that is due at that very moment', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const ann = await t.connect('/x');
    ann.send('100');
    expect(await ann.receiveText({ within: 100 })).toBe('after 100');
  });

  test('with others in Promise.all, each by its own time', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const [ann, bob, cid] = await t.connectAll(3, '/x');
    ann.send('100');
    bob.send('200');
    cid.send('300');
    const outcomes = await Promise.allSettled([
      cid.receiveText({ within: 250 }),
      bob.receiveText({ within: 200 }),
      ann.receiveText({ within: 99 }),
      ann.receiveText({ within: 100 }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(await cid.receiveText({ within: 50 })).toBe('after 300');
  });

  test('though an earlier call of its client waits longer', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const ann = await t.connect('/x');
    ann.send('100');
    const earlier = ann.receiveText({ within: 500 });
    const error = await refusalOf(ann.receiveText());
    expect(error.message).toContain('an earlier call, receiveText, still waits and is served first');
    expect(await earlier).toBe('after 100');
  });

  test('as nothing, though an earlier call of its client waits longer', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const ann = await t.connect('/x');
    ann.send('100');
    const earlier = ann.receiveText({ within: 500 });
    await ann.expectNothing();
    expect(await earlier).toBe('after 100');
  });

  test('by frames that an earlier call gave up', async () => {
    await using t = testApp(
      echoOf((ws, text) => ws.sendText(text)),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('one');
    const [both, one] = await Promise.allSettled([ann.expectSequence(['one', 'two']), ann.expect('one')]);
    expect(both).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('frame 2 of 2') } });
    expect(one).toEqual({ status: 'fulfilled', value: 'one' });
  });

  test('while advance leads: it listens meanwhile, and is decided after', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('3000');
    const found = ann.receiveText();
    const missed = refusalOf(bob.receiveText());
    await t.clock.advance('5s');
    expect(await found).toBe('after 3000');
    expect((await missed).message).toContain('none came');
    expect(t.clock.monotonic()).toBe(5_000);
  });

  test('after all that lead, which run one after another', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const ann = await t.connect('/x');
    const times: number[] = [];
    const at = (): number => times.push(t.clock.monotonic());
    ann.send('60');
    await Promise.all([
      t.clock.advance(20).then(at),
      refusalOf(ann.expectNothing({ for: 50 })).then(at),
      t.clock.advance(30).then(at),
      t.clock.next().then(at),
    ]);
    expect(times).toEqual([20, 60, 90, 25_000]);
    expect(await ann.receiveText()).toBe('after 60');
  });

  test('in the same turn in which it is registered late', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('10');
    bob.send('1000');
    const first = ann.receiveText({ within: 10 });
    for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(await first).toBe('after 10');
    expect(await bob.receiveText({ within: 990 })).toBe('after 1000');
  });

  test('before time moves on, what follows from a decision runs', async () => {
    await using t = testApp(echoOf(later), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('10');
    const slow = bob.expectNothing({ for: '1h' });
    const chain = ann.receiveText().then(async () => {
      for (let depth = 0; depth < 1_000; depth += 1) await Promise.resolve();
      return t.clock.monotonic();
    });
    await slow;
    expect(await chain).toBe(10);
  });

  test('on one clock for two apps', async () => {
    const clock = new TestClock();
    await using one = testApp(echoOf(later), over(transport, { clock }));
    await using other = testApp(echoOf(later), over(transport, { clock }));
    const ann = await one.connect('/x');
    const bob = await other.connect('/x');
    ann.send('100');
    bob.send('50');
    expect(await Promise.all([ann.receiveText({ within: 200 }), bob.receiveText({ within: 60 })])).toEqual([
      'after 100',
      'after 50',
    ]);
    expect(clock.monotonic()).toBe(100);
  });

  test('at rest only: a chain between the clients of an app ends first', async () => {
    await using t = testApp(rooms(), over(transport));
    const players = await t.connectAll(4, '/room/7');
    for (const [at, player] of players.entries()) player.sendJson(at);
    for (const player of players) {
      await player.expectUnordered([{ said: 0 }, { said: 1 }, { said: 2 }, { said: 3 }]);
      await player.expectNothing();
    }
  });

  test('at rest: a handler that has read from a disk is waited for', async () => {
    await using t = testApp(
      echoOf(async (ws) => {
        const text = await readFile(new URL(import.meta.url), 'utf8');
        await ws.sendText(text.slice(0, 6));
      }),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('read');
    await ann.expect('import');
  });

  test('at rest: frames that the server does not read are at rest', async () => {
    await using t = testApp(
      echoOf(
        async (ws, text) => {
          if (text === '0') await ws.app.clock.sleep(120_000);
          await ws.sendText(text);
        },
        { limits: { inboundQueue: 4 } },
      ),
      over(transport),
    );
    const ann = await t.connect('/x');
    for (let at = 0; at < 50; at += 1) ann.send(String(at));
    await t.settle();
    await ann.expectNothing();
    await ann.expectSequence(
      Array.from({ length: 50 }, (_, at) => String(at)),
      { within: '2m' },
    );
  });

  test('at rest: frames that the client does not read are at rest, and come in order', async () => {
    await using t = testApp(
      echoOf((ws, text) => ws.sendText(text)),
      over(transport),
    );
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.pause();
    ann.send('one');
    bob.send('two');
    await bob.expect('two');
    await t.settle();
    await ann.expectNothing();
    ann.resume();
    ann.send('three');
    await ann.expectSequence(['one', 'three']);
  });

  test('at rest: a socket closed at one end only is not', async () => {
    const left: number[] = [];
    const app = appOf(async (ws) => {
      await ws.accept();
      await ws.receive().catch((error: { code: number }) => left.push(error.code));
    });
    await using t = testApp(app, over(transport));
    const [ann, bob, cid] = await t.connectAll(3, '/x');
    ann.drop();
    await t.settle();
    expect(left).toEqual([1006]);
    await bob.close(4001);
    expect(left).toEqual([1006, 4001]);
    void cid.close();
    await t.settle();
    expect(left).toEqual([1006, 4001, 1005]);
  });

  test('at rest: a client that leaves before it is answered has left', async () => {
    const reasons: unknown[] = [];
    const app = appOf(async (ws) => {
      ws.signal.addEventListener('abort', () => reasons.push((ws.signal.reason as { code: number }).code));
      await ws.app.clock.sleep(50, ws.signal).catch(() => undefined);
    });
    const t = testApp(app, over(transport));
    const shaking = refusalOf(t.handshake('/x'));
    await t.clock.advance(10);
    expect(await printedBy(() => t.close())).toBe('');
    expect(reasons).toEqual([1006]);
    expect((await shaking).message).toContain('neither accepted nor denied');
  });
});

test('a wait that fails over memory costs no real time', async () => {
  await using t = testApp(rooms(), { watchdogMs: 60_000 });
  const ann = await t.connect('/room/7');
  // Real seconds, or a watchdog, would outlast the test.
  for (let round = 0; round < 21; round += 1) await refusalOf(ann.receiveText({ within: '20s' }));
  expect(t.clock.monotonic()).toBe(21 * 20_000);
});

test('advance and what leads refuse a time that is none', async () => {
  const clock = new TestClock();
  for (const wrong of [-1, NaN, Infinity, '10' as never, '1d' as never]) {
    expect(() => clock.advance(wrong)).toThrow('a duration is');
  }
});
