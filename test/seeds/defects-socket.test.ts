/** What Nexios's websockets/base.py and websockets/consumers.py get wrong, and channelbox does not. */
import {
  App,
  consumer,
  FrameError,
  WebSocketConsumer,
  WebSocketDisconnect,
  type Handler,
  type WebSocket,
} from 'channelbox';
import { testApp, type TestApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function appOf(handler: Handler): TestApp {
  return testApp(new App({ logger: quiet }).wsRoute('/x', handler));
}

/** Any binary frame with a member that a text frame would not have. */
const someBytes = new Uint8Array([0, 159, 255]);

describe('websockets/base.py', () => {
  test('receiveText on a binary frame is a typed error, and the socket lives on', async () => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      const error: unknown = await ws.receiveText().catch((thrown: unknown) => thrown);
      await ws.sendText(error instanceof FrameError ? error.kind : String(error));
      await ws.sendText(await ws.receiveText());
    });
    const ann = await t.connect('/x');

    ann.sendBytes(someBytes);
    ann.sendText('still here');

    await ann.expectSequence(['wrong-type', 'still here']);
  });

  test('a wrong frame type that nobody catches closes with 1003', async () => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      await ws.receiveText();
    });
    const ann = await t.connect('/x');

    ann.sendBytes(someBytes);

    await ann.expectClosed({ code: 1003 });
  });

  test('after an iteration the close code is known', async () => {
    const reasons: unknown[] = [];
    await using t = appOf(async (ws) => {
      await ws.accept();
      for await (const text of ws.iterText()) await ws.sendText(text);
      reasons.push(ws.signal.reason);
    });
    const ann = await t.connect('/x');

    await ann.close(4001, 'moved');

    expect(reasons).toEqual([expect.any(WebSocketDisconnect)]);
    expect(reasons[0]).toMatchObject({ code: 4001, reason: 'moved', wasClean: true });
  });

  test('a handshake can be denied with an HTTP answer', async () => {
    await using t = appOf((ws) => ws.deny(new Response('pay first', { status: 402, headers: { 'x-price': '1' } })));

    const denied = await t.handshake('/x');

    expect(denied).toMatchObject({ kind: 'denied', status: 402, body: 'pay first', by: 'handler' });
    expect(denied.kind === 'denied' && denied.headers.get('x-price')).toBe('1');
  });

  test('closing again changes nothing: the first code stays', async () => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      void ws.close(4001, 'first');
      await ws.close(4002, 'second');
    });
    const ann = await t.connect('/x');

    await ann.expectClosed({ code: 4001, reason: 'first' });
  });

  test('the documented finally with a close is quiet after the peer has gone', async () => {
    const outcomes: unknown[] = [];
    await using t = appOf(async (ws) => {
      await ws.accept();
      try {
        await ws.receive();
      } finally {
        await ws.close().then(
          () => outcomes.push('closed'),
          (error: unknown) => outcomes.push(error),
        );
      }
    });
    const ann = await t.connect('/x');

    ann.drop();
    await t.settle();

    expect(outcomes).toEqual(['closed']);
  });

  test.each([
    ['plain', 'x'.repeat(200), 'x'.repeat(123)],
    ['accented', 'é'.repeat(100), 'é'.repeat(61)],
  ])('a long reason is cut at 123 bytes, on a character: %s', async (_what, given, sent) => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      await ws.close(4000, given);
    });
    const ann = await t.connect('/x');

    await ann.expectClosed({ code: 4000, reason: sent });
  });

  test('sending to a closed socket is a value, not an error', async () => {
    const outcomes: string[] = [];
    await using t = appOf(async (ws) => {
      await ws.accept();
      for await (const text of ws.iterText()) outcomes.push(text);
      outcomes.push(await ws.sendText('too late'), String(ws.isConnected()));
    });
    const ann = await t.connect('/x');

    await ann.close();

    expect(outcomes).toEqual(['closed', 'false']);
  });
});

describe('websockets/consumers.py', () => {
  test('an exception in onConnect after the accept runs onDisconnect, and leaves no membership', async () => {
    const hooks: string[] = [];
    class Faulty extends WebSocketConsumer {
      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        await this.joinGroup('room');
        throw new RangeError('planted');
      }

      override onDisconnect(_ws: WebSocket, code: number): void {
        hooks.push(`onDisconnect ${code}`);
      }
    }
    await using t = testApp(new App({ logger: quiet }).addWsRoute(Faulty.asRoute('/x')));
    const ann = await t.connect('/x');

    await ann.expectClosed({ code: 1011 });
    await t.settle();

    expect(hooks).toEqual(['onDisconnect 1011']);
    expect(t.app.inspect()).toMatchObject({ memberships: 0, groups: 0, connections: 0 });
  });

  test('rejecting in onConnect does not run onDisconnect', async () => {
    const hooks: string[] = [];
    const app = new App().addWsRoute(
      consumer('/x', { onConnect: (ws) => ws.close(1008), onDisconnect: () => hooks.push('onDisconnect') }),
    );
    await using t = testApp(app);

    expect(await t.handshake('/x')).toMatchObject({ status: 403, by: 'handler', code: 1008 });
    expect(hooks).toEqual([]);
  });

  test('encoding bytes sends binary frames', async () => {
    const app = new App().addWsRoute(
      consumer('/x', {
        encoding: 'bytes',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup('room');
        },
        onReceive(_ws, data) {
          return this.broadcast(data, 'room');
        },
      }),
    );
    await using t = testApp(app);
    const ann = await t.connect('/x');

    ann.sendBytes(someBytes);

    expect(await ann.receive()).toEqual({ type: 'bytes', data: someBytes });
  });

  test.each([
    ['a binary frame where text is due', 'text', (send: (data: Uint8Array) => void) => send(someBytes), 1003],
    ['a text frame where bytes are due', 'bytes', (send: (data: string) => void) => send('text'), 1003],
    ['bad JSON', 'json', (send: (data: string) => void) => send('{'), 1007],
    ['bad UTF-8', 'json', (send: (data: Uint8Array) => void) => send(someBytes), 1007],
  ] as const)('%s closes once, with its own code, and is no handler error', async (_what, encoding, act, code) => {
    const errors: unknown[] = [];
    const codes: number[] = [];
    const app = new App({ logger: quiet, onError: (error) => errors.push(error) }).addWsRoute(
      consumer('/x', { encoding, onDisconnect: (_ws, closeCode) => codes.push(closeCode) }),
    );
    await using t = testApp(app);
    const ann = await t.connect('/x');

    act((data) => ann.send(data));

    await ann.expectClosed({ code });
    await t.settle();
    expect({ errors, codes }).toEqual({ errors: [], codes: [code] });
  });

  test('an empty text without an encoding is a message like any other', async () => {
    const received: unknown[] = [];
    await using t = testApp(new App().addWsRoute(consumer('/x', { onReceive: (_ws, data) => received.push(data) })));
    const ann = await t.connect('/x');

    ann.sendText('');
    ann.sendBytes(new Uint8Array());
    await t.settle();

    expect(received).toEqual(['', new Uint8Array()]);
    expect(ann.isOpen).toBe(true);
  });

  test('sendTo reaches a channel in no group, by the id as a string; an unknown id is a value', async () => {
    const app = new App().addWsRoute(
      consumer('/x', {
        encoding: 'text',
        async onReceive(ws, data) {
          if (data === 'id') await ws.sendText(this.channel.uuid);
          else await ws.sendText(await this.sendTo(data as string, 'found'));
        },
      }),
    );
    await using t = testApp(app);
    const [ann, bob] = await t.connectAll(2, '/x');
    bob.sendText('id');
    const id = await bob.receiveText();

    ann.sendText(id);
    ann.sendText('00000000-0000-4000-8000-000000000000');

    await bob.expect('found');
    await ann.expectSequence(['sent', 'closed']);
  });

  test('asRoute hands the arguments of the constructor on', async () => {
    class Greeter extends WebSocketConsumer {
      readonly #greeting: string;

      constructor(greeting: string) {
        super();
        this.#greeting = greeting;
      }

      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        await this.sendText(this.#greeting);
      }
    }
    await using t = testApp(new App().addWsRoute(Greeter.asRoute('/x', 'hello')));

    const ann = await t.connect('/x');

    await ann.expect('hello');
  });

  test('payloads are never logged, at any level', async () => {
    const logged: unknown[] = [];
    const keep = (...line: unknown[]): void => void logged.push(line);
    const logger = { debug: keep, info: keep, warn: keep, error: keep };
    const app = new App({ logger }).addWsRoute(
      consumer('/x', {
        encoding: 'json',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup();
        },
        async onReceive(_ws, data) {
          await this.broadcast(data);
          await this.sendTo(this.channel.uuid, data);
        },
      }),
    );
    await using t = testApp(app);
    const ann = await t.connect('/x');

    ann.sendJson('swordfish');
    await ann.expectSequence(['swordfish', 'swordfish'].map((text) => JSON.stringify(text)));
    ann.sendText('{"swordfish"');
    await ann.expectClosed({ code: 1007 });

    expect(JSON.stringify(logged)).not.toContain('swordfish');
    expect(logged).not.toEqual([]);
  });

  test('onConnect and onDisconnect pair once, with the first close code', async () => {
    const hooks: string[] = [];
    const app = new App().addWsRoute(
      consumer('/x', {
        encoding: 'text',
        async onConnect(ws) {
          await ws.accept();
          hooks.push('onConnect');
        },
        async onReceive(ws) {
          await ws.close(4001);
          await ws.close(4002);
        },
        onDisconnect: (_ws, code) => hooks.push(`onDisconnect ${code}`),
      }),
    );
    await using t = testApp(app);
    const ann = await t.connect('/x');

    ann.sendText('go');

    await ann.expectClosed({ code: 4001 });
    await t.settle();
    expect(hooks).toEqual(['onConnect', 'onDisconnect 4001']);
  });
});
