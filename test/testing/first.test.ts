import { App, consumer, type AppOptions, type WebSocket } from 'channelbox';
import { testApp, type TestAppOptions } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function roomApp(options: { expires?: number | null; app?: AppOptions } = {}): App {
  return new App({ logger: quiet, ...options.app }).addWsRoute(
    consumer('/room/{name}', {
      encoding: 'json',
      ...(options.expires === undefined ? {} : { expires: options.expires }),
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup(ws.params.name);
      },
      async onReceive(ws, data) {
        if (data === 'boom') throw new Error('boom');
        if (data === 'sleep') await ws.app.clock.sleep(5_000);
        await this.broadcast({ said: data }, ws.params.name);
      },
    }),
  );
}

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  const options: TestAppOptions = { transport };

  test('members of a room hear each other', async () => {
    await using t = testApp(roomApp(), options);
    const [ann, bob] = await t.connectAll(2, '/room/7', (index) => ({ name: ['ann', 'bob'][index] as string }));
    ann.sendJson('hi');
    await bob.expect({ said: 'hi' });
    await ann.expect({ said: 'hi' });
    await bob.expectNothing();
    expect(String(ann.transcript)).toMatchInlineSnapshot(`
      "ann
        +0ms     open
        +0ms     → "hi"
        +0ms     ← {"said":"hi"}"
    `);
  });

  test('an expired member receives nothing', async () => {
    await using t = testApp(roomApp({ expires: 1 }), options);
    const ann = await t.connect('/room/7');
    await t.clock.advance(1_001);
    await ann.expectClosed({ code: 4408 });
    expect(await t.app.channelBox.groupSend('7', 'hi')).toMatchObject({ status: 'NO_SUCH_GROUP' });
  });

  test('an error in a handler rejects the call that waits', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7');
    ann.sendJson('boom');
    await expect(ann.expect({ said: 'boom' })).rejects.toThrow('boom');
    await ann.expectClosed({ code: 1011 });
  });

  test('a wait within virtual time passes it', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7');
    ann.sendJson('sleep');
    await ann.expectNothing({ for: '4s' });
    expect(await ann.expect({ said: 'sleep' }, { within: '2s' })).toEqual({ said: 'sleep' });
    expect(t.clock.monotonic()).toBe(5_000);
  });

  test('a handler that never accepts is a 503 at once', async () => {
    const app = new App({ logger: quiet }).wsRoute('/never', () => new Promise(() => {}));
    const t = testApp(app, { ...options, watchdogMs: 20 });
    expect(await t.handshake('/never')).toMatchObject({ kind: 'denied', status: 503, by: 'timeout' });
    await expect(t.close()).rejects.toThrow('a handler still runs');
  });

  test.each([
    [
      'deny',
      (ws: WebSocket) => ws.deny(new Response('no entry', { status: 401 })),
      { status: 401, by: 'handler', body: 'no entry' },
    ],
    ['close', (ws: WebSocket) => ws.close(4001), { status: 403, by: 'handler', code: 4001 }],
    ['return', () => undefined, { status: 403, by: 'returned' }],
    ['throw', () => Promise.reject(new Error('bad')), { status: 500, by: 'threw', error: new Error('bad') }],
  ])('a handshake says who denied: %s', async (_, handler, expected) => {
    await using t = testApp(new App({ logger: quiet }).wsRoute('/x', handler), options);
    expect(await t.handshake('/x')).toMatchObject({ kind: 'denied', ...expected });
    expect(await t.handshake('/nowhere')).toMatchObject({ kind: 'denied', status: 404, by: 'route' });
  });
});
