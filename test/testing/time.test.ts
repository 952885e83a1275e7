import { App, rateLimit } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { appOf, echoOf, over, rooms, transports } from './apps.ts';

describe.each(transports)('over %s, virtual time tests', (transport) => {
  test('expiry, to the millisecond', async () => {
    await using t = testApp(rooms({ expires: 60 }), over(transport));
    const [ann, bob] = await t.connectAll(2, '/room/7');
    await t.clock.advance('59s');
    bob.sendJson('alive');
    await bob.expect({ said: 'alive' });
    await ann.expect({ said: 'alive' });
    ann.pause();
    ann.resume();
    await t.clock.advance(59_999);
    await bob.expectNothing();
    expect(bob.isOpen).toBe(true);
    await t.clock.advance(1);
    await bob.expectClosed({ code: 4408 });
    expect(t.app.inspect().memberships).toBe(0);
  });

  test('the heartbeat: a peer that reads nothing is cut off after 35 s, one that reads lives', async () => {
    await using t = testApp(rooms(), over(transport));
    const [ann, bob] = await t.connectAll(2, '/room/7');
    ann.pause();
    await t.clock.advance(34_999);
    expect(t.app.inspect().connections).toBe(2);
    await t.clock.advance(2);
    expect(t.app.inspect().connections).toBe(1);
    expect(bob.isOpen).toBe(true);
    await t.clock.advance('50m');
    expect(t.app.inspect().connections).toBe(1);
  });

  test('the accept timeout', async () => {
    const app = appOf((ws) => ws.app.clock.sleep(5_000, ws.signal), { limits: { acceptTimeoutMs: 3_000 } });
    await using t = testApp(app, over(transport));
    const denied = await t.handshake('/x');
    expect(denied).toMatchObject({ kind: 'denied', status: 503, by: 'timeout' });
    expect(t.clock.monotonic()).toBe(3_000);
    await t.clock.advance('2s');
  });

  test('a slow accept, which moves the clock as far as it needs', async () => {
    const app = appOf(async (ws) => {
      await ws.app.clock.sleep(5_000);
      await ws.accept();
      await ws.receive();
    });
    await using t = testApp(app, over(transport));
    await t.connect('/x');
    expect(t.clock.monotonic()).toBe(5_000);
  });

  test('rate limits', async () => {
    const app = new App().addWsMiddleware(rateLimit({ messages: 3, perMs: 1_000 })).wsRoute('/x', async (ws) => {
      await ws.accept();
      for await (const text of ws.iterText()) await ws.sendText(text);
    });
    await using t = testApp(app, over(transport));
    const ann = await t.connect('/x');
    for (const text of ['1', '2', '3']) ann.send(text);
    await ann.expectSequence(['1', '2', '3']);
    await t.clock.advance('1s');
    ann.send('4');
    await ann.expect('4');
    for (const text of ['5', '6', '7', '8']) ann.send(text);
    await ann.expectClosed({ code: 1008 });
  });

  test('drain, which spreads its closes over time', async () => {
    await using t = testApp(rooms(), over(transport));
    const clients = await t.connectAll(4, '/room/7');
    const draining = t.app.drain({ withinMs: 10_000, batch: 1, everyMs: 100 });
    await t.clock.advance(150);
    expect(clients.filter((client) => client.isOpen)).toHaveLength(2);
    expect(await t.handshake('/room/7')).toMatchObject({ status: 503, by: 'draining' });
    await t.clock.advance('1s');
    expect(await draining).toMatchObject({ closed: 4, terminated: 0 });
    for (const client of clients) await client.expectClosed({ code: 1012 });
  });

  test('idle timeouts of a handler of its own', async () => {
    const app = echoOf(async (ws) => {
      await ws.app.clock.sleep(30_000, ws.signal);
      await ws.close(4000, 'idle');
    });
    await using t = testApp(app, over(transport));
    const ann = await t.connect('/x');
    ann.send('start');
    await ann.expectClosed({ code: 4000, reason: 'idle' }, { within: '30s' });
  });

  test('a close that the peer does not answer', async () => {
    await using t = testApp(
      echoOf((ws) => void ws.close(4001)),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('bye');
    ann.pause();
    await t.clock.advance(1_999);
    expect(t.app.inspect().connections).toBe(1);
    await t.clock.advance(2);
    expect(t.app.inspect().connections).toBe(0);
  });
});
