import type { AddressInfo } from 'node:net';
import { App, BoxError, HandshakeError } from 'channelbox';
import { testApp, testUrl, type TestClient, type TestTarget, type TestTargetOptions } from 'channelbox/testing';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { Gate } from '../gate.ts';
import { refusalOf, rooms } from './apps.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Shows what it was asked with, echoes, and does as it is told. */
function mirror(): App {
  return new App({ logger: quiet, origins: ['https://app.test'] })
    .wsRoute('/mirror/{name}', async (ws, { name }) => {
      const [first] = ws.subprotocols;
      await ws.accept({ ...(first === undefined ? {} : { subprotocol: first }), headers: { 'X-Seen': 'yes' } });
      const { headers, query, client } = ws;
      const asked = ['origin', 'cookie', 'x-two', 'authorization'].map((each) => headers.get(each));
      await ws.sendJson({ name, query: Object.fromEntries(query), asked, host: client.host });
      for await (const message of ws) {
        if (message.data === 'close') await ws.close(4002, 'as told');
        else if (message.data === 'fail') throw new Error('as told');
        else await ws.send(message.data);
      }
    })
    .wsRoute('/plain', async (ws) => {
      await ws.accept();
      await ws.sendText('');
      await ws.receive();
    })
    .wsRoute('/denied', (ws) =>
      ws.deny(new Response('not you', { status: 401, headers: { 'WWW-Authenticate': 'Basic' } })),
    )
    .wsRoute('/shut', (ws) => ws.close(4003));
}

const running: App[] = [];
afterAll(async () => {
  for (const app of running) await app.close();
});

async function urlOf(app: App): Promise<`ws://${string}`> {
  running.push(app);
  const { port } = await app.listen(0, '127.0.0.1');
  return `ws://127.0.0.1:${port}`;
}

type Make = (app: () => App, options?: TestTargetOptions) => Promise<TestTarget>;
const targets: [name: string, make: Make][] = [
  ['memory', async (app, options) => testApp(app(), options)],
  ['tcp', async (app, options) => testApp(app(), { ...options, transport: 'tcp' })],
  ['a URL', async (app, options) => testUrl(await urlOf(app()), { watchdogMs: 2_000, ...options })],
];

async function scenario(t: TestTarget): Promise<string[]> {
  const ann = await t.connect('/mirror/ann', { name: 'ann', query: { room: '7 & 8' }, cookies: { sid: 'a=b;c' } });
  const bob = await t.connect('/mirror/b%C3%B6b', { name: 'bob' });
  await ann.expect(expect.objectContaining({ name: 'ann', query: { room: '7 & 8' } }));
  await bob.expect(expect.objectContaining({ name: 'böb' }));
  ann.sendText('');
  ann.sendJson({ id: '8a6e0804-2bd0-4672-b79d-d97027f9071a', at: Date.now() });
  ann.sendBytes(Uint8Array.of(0, 255));
  ann.sendJson([1], 'binary');
  await ann.expectSequence(['', expect.anything(), Uint8Array.of(0, 255), [1]]);
  bob.send('noise');
  bob.send('close');
  await bob.waitFor('noise');
  await bob.expectClosed({ code: 4002, reason: 'as told', wasClean: true });
  await ann.close(4001, 'bye');
  await t.handshake('/denied', { name: 'cid' });
  const dan = await t.connect('/plain', { name: 'dan' });
  await dan.expect('');
  dan.drop();
  const transcripts = [ann, bob, dan].map((client) => String(client.transcript).replaceAll(/\+\d+ms/g, '    '));
  await t.close();
  return transcripts.map((transcript) => transcript.replaceAll(/\s*\n\s*/g, '\n'));
}

test('one scenario has one transcript over memory, tcp and a URL', async () => {
  const transcripts: string[][] = [];
  for (const [, make] of targets) transcripts.push(await scenario(await make(mirror)));
  expect(transcripts[1]).toEqual(transcripts[0]);
  expect(transcripts[2]).toEqual(transcripts[0]);
  expect(transcripts[0]?.join('\n')).toMatchInlineSnapshot(`
    "ann
    open
    ← {"name":"ann","query":{"room":"7 & 8"},"asked":[null,"sid=a%3Db%3Bc",null,null],"host":"127.0.0.1"}
    → ""
    → {"id":"<id 1>","at":<time>}
    → <2 bytes 00ff>
    → <3 bytes 5b315d>
    ← ""
    ← {"id":"<id 1>","at":<time>}
    ← <2 bytes 00ff>
    ← <3 bytes 5b315d>
    → close 4001
    × closed 4001 bye
    bob
    open
    ← {"name":"böb","query":{},"asked":[null,null,null,null],"host":"127.0.0.1"}
    → noise
    → close
    ← noise
    × closed 4002 as told
    dan
    open
    ← ""
    × dropped
    × closed 1006"
  `);
});

describe.each(targets)('over %s, a client', (where, make) => {
  test('asks with what it is told to: headers, cookies, origin, query, subprotocols', async () => {
    await using t = await make(mirror);
    const ann = await t.connect('/mirror/a b?x=1', {
      headers: [
        ['X-Two', 'one'],
        ['X-Two', 'two'],
        ['Authorization', 'Bearer 7'],
      ],
      cookies: { a: '1', b: 'ü' },
      origin: 'https://app.test',
      query: { y: '2' },
      subprotocols: ['chat.v2', 'chat.v1'],
    });
    expect(await ann.receiveJson()).toEqual({
      name: 'a b',
      query: { x: '1', y: '2' },
      asked: ['https://app.test', 'a=1; b=%C3%BC', 'one, two', 'Bearer 7'],
      host: '127.0.0.1',
    });
    expect(ann.subprotocol).toBe('chat.v2');
    expect(ann.headers.get('x-seen')).toBe('yes');
  });

  test('may offer subprotocols of which none is chosen', async () => {
    await using t = await make(mirror);
    const ann = await t.connect('/plain', { subprotocols: ['chat.v2'] });
    expect(ann.subprotocol).toBe('');
    await ann.expect('');
  });

  test('learns who denied it, how, and why', async () => {
    await using t = await make(mirror);
    const known = where !== 'a URL';
    const denied = await t.handshake('/denied');
    expect(denied).toMatchObject({ kind: 'denied', status: 401, body: 'not you', ...(known ? { by: 'handler' } : {}) });
    expect((denied as { headers: Headers }).headers.get('www-authenticate')).toBe('Basic');
    expect(await t.handshake('/shut')).toMatchObject({ status: 403, ...(known ? { by: 'handler', code: 4003 } : {}) });
    expect(await t.handshake('/nowhere')).toMatchObject({ status: 404, ...(known ? { by: 'route' } : {}) });
    expect(await t.handshake('/plain', { origin: 'https://evil.test' })).toMatchObject({
      status: 403,
      ...(known ? { by: 'origin' } : {}),
    });
    const error = await refusalOf(t.connect('/denied'));
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain(`/denied was denied with 401${known ? ' by the handler' : ''}: not you`);
    expect(error.stack).toContain('transports.test.ts');
  });

  test('keeps every frame from the handshake on, the empty ones too', async () => {
    await using t = await make(mirror, { strict: true });
    const ann = await t.connect('/plain');
    expect(await ann.receive()).toEqual({ type: 'text', data: '' });
  });

  test('compares how it was closed: code, reason, cleanliness; again and again, whatever is unread', async () => {
    await using t = await make(mirror);
    const ann = await t.connect('/mirror/ann');
    ann.send('unread');
    ann.send('close');
    for (let round = 0; round < 2; round += 1) {
      expect(await ann.expectClosed()).toEqual({ code: 4002, reason: 'as told', wasClean: true });
      await ann.expectClosed({ code: 4002 });
      for (const otherwise of [{ code: 1000 }, { reason: 'x' }, { wasClean: false }]) {
        await expect(ann.expectClosed(otherwise)).rejects.toThrow('it closed otherwise');
      }
    }
    expect(ann.isOpen).toBe(false);
    expect(await ann.receiveJson()).toMatchObject({ name: 'ann' });
    await ann.expect('unread');
    await ann.expectNothing();
    await expect(ann.receive()).rejects.toThrow('the connection is closed: 4002 as told');
    await expect(ann.expect('x', { within: '1h' })).rejects.toThrow('the connection is closed: 4002 as told');
    await expect(ann.waitFor('x')).rejects.toThrow('the connection is closed');
  });

  test('that is open is told so', async () => {
    await using t = await make(mirror);
    const ann = await t.connect('/plain');
    await expect(ann.expectClosed({}, { within: 10 })).rejects.toThrow('the connection is open after 10 ms');
    expect(ann.isOpen).toBe(true);
  });

  test('closes, and resolves when both ends have', async () => {
    await using t = await make(mirror);
    const [ann, bob] = await t.connectAll(2, '/plain');
    await ann.close(4001, 'bye');
    expect(await ann.expectClosed()).toEqual({ code: 4001, reason: 'bye', wasClean: true });
    await bob.close();
    expect(await bob.expectClosed()).toEqual({ code: 1005, reason: '', wasClean: true });
    await ann.close();
    expect(() => bob.close(1006)).toThrow('close code 1006 may not be sent');
    expect(() => bob.send(5 as never)).toThrow('send() takes a string, a buffer or a view of one');
  });

  test.each<[came: string, code: unknown, reason: unknown, error: string, message: string]>([
    ['a reason above 123 bytes', 4001, 'é'.repeat(62), 'CHANNELBOX_CLOSE_REASON', 'of 124 bytes came; at most 123'],
    ['a reason without a code', undefined, 'bye', 'CHANNELBOX_CLOSE_REASON', 'without a code'],
    ['a reason that is no text', 4001, null, 'CHANNELBOX_CLOSE_REASON', 'null came'],
    ['a code for when there was none', 1005, '', 'CHANNELBOX_CLOSE_CODE', 'close code 1005 may not be sent'],
    ['a code of nobody', 2999, 'é'.repeat(62), 'CHANNELBOX_CLOSE_CODE', 'close code 2999 may not be sent'],
  ])('that closes with %s is told so at once, and nothing has happened', async (_, code, reason, error, message) => {
    await using t = await make(mirror);
    const ann = await t.connect('/plain');
    await ann.expect('');
    const close = (): unknown => ann.close(code as number, reason as string);
    expect(close).toThrow(expect.objectContaining({ code: error, message: expect.stringContaining(message) }));
    expect(ann.transcript.events.map(({ kind }) => kind)).toEqual(['open', 'received']);
    // The longest that fits goes as it is.
    await ann.close(4001, `${'é'.repeat(61)}!`);
    expect(await ann.expectClosed()).toEqual({ code: 4001, reason: `${'é'.repeat(61)}!`, wasClean: true });
    expect(close).toThrow(expect.objectContaining({ code: error }));
  });

  test('that sends what JSON cannot carry is told so at once, and nothing is sent', async () => {
    await using t = await make(mirror);
    const ann = await t.connect('/mirror/ann');
    await ann.receive();
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const oops = new RangeError('not today');
    const refusing = {
      toJSON(): never {
        throw oops;
      },
    };
    const refused = (value: unknown, message: string, beneath: object = {}): void => {
      for (const mode of ['text', 'binary'] as const) {
        expect(() => ann.sendJson(value, mode)).toThrow(BoxError);
        expect(() => ann.sendJson(value, mode)).toThrow(
          expect.objectContaining({
            code: 'CHANNELBOX_PAYLOAD_ENCODING',
            message: expect.stringContaining(message),
            ...beneath,
          }),
        );
      }
    };
    refused(circle, 'an object came that cannot be written as JSON: Converting circular', {
      cause: expect.any(TypeError),
    });
    refused([1n], 'an array came that cannot be written as JSON', { cause: expect.any(TypeError) });
    refused(1n, 'a bigint came that cannot be written as JSON', { cause: expect.any(TypeError) });
    refused(refusing, 'cannot be written as JSON: not today; send plain data', { cause: oops });
    refused(undefined, 'undefined came, which has no JSON text; send null');
    refused(() => 1, 'a function came, which has no JSON text');
    expect(ann.transcript.events.map(({ kind }) => kind)).toEqual(['open', 'received']);
    ann.sendJson(['next']);
    await ann.expect(['next']);
  });

  test('vanishes', async () => {
    await using t = await make(mirror);
    const ann = await t.connect('/plain');
    ann.drop();
    expect(await ann.expectClosed({ code: 1006 })).toEqual({ code: 1006, reason: '', wasClean: false });
  });

  test('stops reading and goes on', async () => {
    await using t = await make(mirror);
    const ann = await t.connect('/mirror/ann');
    await ann.receive();
    ann.pause();
    for (let at = 0; at < 30; at += 1) ann.sendJson(at);
    await ann.expectNothing(where === 'a URL' ? { realMs: 20 } : {});
    ann.resume();
    await ann.expectSequence(Array.from({ length: 30 }, (_, at) => at));
  });

  test('is one of as many as were asked for, by name', async () => {
    await using t = await make(mirror);
    const [ann, bob, cid] = await t.connectAll(3, '/plain', (index) => ({
      name: ['ann', 'bob', 'cid'][index] as string,
    }));
    expect([ann.name, bob.name, cid.name]).toEqual(['ann', 'bob', 'cid']);
    const many = await t.connectAll(3 as number, '/plain');
    expect(many.map(({ name }) => name)).toEqual(['client 4', 'client 5', 'client 6']);
    expectTypeOf([ann, bob, cid] as const).toEqualTypeOf<readonly [TestClient, TestClient, TestClient]>();
    expectTypeOf(many).toEqualTypeOf<TestClient[]>();
    await expect(t.connectAll(2, '/denied')).rejects.toThrow('denied with 401');
  });

  test('ends by disposal of its own', async () => {
    await using t = await make(mirror);
    let ann: TestClient;
    {
      await using inner = await t.connect('/plain');
      ann = inner;
    }
    expect(ann.isOpen).toBe(false);
  });

  test('that is strict leaves no frame unread', async () => {
    const t = await make(mirror, { strict: true });
    const [, bob] = await t.connectAll(2, '/plain');
    await bob.expect('');
    // Its frame has come by the time that the answer to this has.
    await bob.close();
    await expect(t.close()).rejects.toThrow('1 unread at client 1: ""');
  });
});

describe.each(['memory', 'tcp'] as const)('over %s, a client', (transport) => {
  test('comes from where it pretends to come', async () => {
    await using t = testApp(mirror(), { transport });
    const ann = await t.connect('/mirror/ann', { client: { host: '203.0.113.7', port: 4711 } });
    expect(await ann.receiveJson()).toMatchObject({ host: '203.0.113.7' });
  });

  test('that does not read is cut off by a drain, and learns of it when it reads', async () => {
    const app = rooms();
    await using t = testApp(app, { transport });
    const ann = await t.connect('/room/7');
    ann.pause();
    const draining = app.drain({ withinMs: 100 });
    await t.clock.advance(200);
    expect(await draining).toMatchObject({ terminated: 1 });
    ann.resume();
    await ann.expectClosed();
    expect(t.app.inspect().connections).toBe(0);
  });

  test('gets 1009 for a message that is too large', async () => {
    const app = new App({ logger: quiet, limits: { maxPayloadBytes: 10 } }).wsRoute('/x', async (ws) => {
      await ws.accept();
      await ws.receive();
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/x');
    ann.send('0123456789+');
    await ann.expectClosed({ code: 1009 });
  });
});

describe('a URL', () => {
  test('where nobody listens is told as such', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await using t = testUrl(`ws://127.0.0.1:${port}`);
    await expect(t.connect('/x')).rejects.toThrow(`/x could not be reached: connect ECONNREFUSED 127.0.0.1:${port}`);
    expect(await t.handshake('/x')).toMatchObject({ kind: 'denied', status: 0 });
  });

  test('may be of any server, under any path', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    const mayAnswer = new Gate();
    server.on('connection', (socket, request) => {
      socket.send(request.url ?? '');
      socket.on('message', (data: Buffer) => {
        void mayAnswer.promise.then(() => socket.send(data.toString().toUpperCase()));
      });
    });
    await new Promise((resolve) => server.once('listening', resolve));
    {
      await using t = testUrl(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/base/`);
      const ann = await t.connect('/x?y=1');
      await ann.expect('/base/x?y=1');
      ann.send('hi');
      await ann.expectNothing({ for: 5 });
      mayAnswer.open();
      await ann.expect('HI', { within: '20s' });
      await expect(ann.expectNothing({ realMs: 1 })).resolves.toBeUndefined();
      await expect(ann.receive({ within: 5 })).rejects.toThrow('within 5 ms');
    }
    await new Promise((resolve) => server.close(resolve));
  });
});
