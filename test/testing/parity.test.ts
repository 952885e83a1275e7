import { App } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { compareSeeds, firstDifference } from './parity.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('random schedules have one transcript over memory and over tcp', async () => {
  const { differing } = await compareSeeds(Array.from({ length: 40 }, (_, seed) => seed));
  expect(firstDifference(differing)).toBeUndefined();
});

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  const echo = (): App =>
    new App({ logger: quiet }).wsRoute('/e', async (ws) => {
      await ws.accept();
      for await (const { data } of ws) {
        const [order, given] = String(data).split(' ');
        if (order === 'close') await ws.close(Number(given), 'as asked');
        else await ws.sendText(`you said ${String(data)}`);
      }
    });

  test('a paused client that the heartbeat cuts off sees 1006 at once, and what it had not read is lost', async () => {
    await using t = testApp(echo(), { transport });
    const ann = await t.connect('/e');
    ann.pause();
    ann.send('hi');
    await t.clock.advance('36s');
    expect(t.app.inspect().connections).toBe(0);
    expect(await ann.expectClosed({ code: 1006, wasClean: false })).toEqual({
      code: 1006,
      reason: '',
      wasClean: false,
    });
    ann.resume();
    await ann.expectNothing();
  });

  test('a paused client that is kicked reads its frames and the code if it reads in time', async () => {
    await using t = testApp(echo(), { transport });
    const ann = await t.connect('/e');
    ann.pause();
    for (const text of ['1', 'close 4408']) ann.send(text);
    await t.clock.advance('1s');
    await expect(ann.expectClosed()).rejects.toThrow('it is paused, so it reads no close');
    ann.resume();
    await ann.expect('you said 1');
    await ann.expectClosed({ code: 4408, reason: 'as asked', wasClean: true });
  });

  test('a paused client that is kicked and does not read is cut off: 1006, not the code it never read', async () => {
    await using t = testApp(echo(), { transport });
    const ann = await t.connect('/e');
    ann.pause();
    ann.send('close 4408');
    await t.clock.advance('2s');
    await ann.expectClosed({ code: 1006, wasClean: false });
    ann.resume();
    await ann.expectClosed({ code: 1006, wasClean: false });
  });

  test('a slow reader is closed with 1013, and cut off where it reads not even that', async () => {
    const left: number[] = [];
    const app = new App({ logger: quiet }).wsRoute('/room', async (ws) => {
      await ws.accept();
      await ws.join('room');
      await ws.receive().catch((error: { code: number }) => left.push(error.code));
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/room');
    ann.pause();
    // More than a loopback takes for one that does not read.
    for (let at = 0; at < 40 && left.length === 0; at += 1) {
      await app.channelBox.groupSend('room', 'x'.repeat(1024 * 1024));
      await t.settle();
    }
    expect(left).toEqual([1013]);
    await t.clock.advance('2s');
    expect(await ann.expectClosed()).toEqual({ code: 1006, reason: '', wasClean: false });
    expect(t.app.inspect().connections).toBe(0);
  });
});
