import { App, consumer, type AppOptions } from 'channelbox';
import { bridgeMockSocket, type PageWebSocket, type PageWebSocketClass } from 'channelbox/testing/mock-socket';
import { testApp, testUrl, type TestAppOptions, type Transcript } from 'channelbox/testing';
import { Server, WebSocket as MockWebSocket } from 'mock-socket';
import { afterEach, describe, expect, test, vi } from 'vitest';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const page = globalThis as unknown as { WebSocket: PageWebSocketClass };

function talkingApp(options: AppOptions = {}): App {
  return new App({ logger: quiet, ...options })
    .wsRoute('/echo', async (ws) => {
      await ws.accept();
      for await (const message of ws) {
        if (message.data === 'bye') return ws.close(4002, 'so long');
        if (message.data === 'boom') throw new Error('boom');
        if (message.type === 'text') await ws.sendText(message.data);
        else await ws.sendBytes(message.data);
      }
    })
    .wsRoute('/whoami/{name}', async (ws) => {
      const subprotocol = ws.subprotocols.at(-1);
      await ws.accept(subprotocol === undefined ? {} : { subprotocol });
      const { name } = ws.params;
      const from = ws.headers.get('origin');
      await ws.sendJson({ name, query: ws.url.search, offered: ws.subprotocols, host: ws.url.host, from });
    })
    .wsRoute('/deaf', async (ws) => {
      await ws.accept();
      await ws.receive();
    })
    .wsRoute('/private', (ws) => ws.deny(new Response('no', { status: 401 })))
    .addWsRoute(
      consumer('/room/{name}', {
        encoding: 'json',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup(ws.params.name);
        },
        async onReceive(ws, said) {
          await this.broadcast({ said }, ws.params.name);
        },
      }),
    );
}

/** What happens to a page's socket, in order. */
function storyOf(socket: PageWebSocket): unknown[] {
  const story: unknown[] = [];
  socket.addEventListener('open', () => story.push('open'));
  socket.addEventListener('message', (event) => story.push(event.data));
  socket.addEventListener('error', () => story.push('error'));
  socket.addEventListener('close', ({ code, reason, wasClean }) => story.push({ code, reason, wasClean }));
  return story;
}

afterEach(() => {
  vi.useRealTimers();
});

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  const options: TestAppOptions = { transport };

  test('new WebSocket(url) meets the consumers, its text unchanged', async () => {
    await using t = testApp(talkingApp(), options);
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new page.WebSocket('ws://chat.test/echo');
    const story = storyOf(socket);
    expect(socket.readyState).toBe(0);
    await t.settle();
    expect(socket.readyState).toBe(page.WebSocket.OPEN);
    for (const text of ['hi', '', 'größe ✓']) socket.send(text);
    await t.settle();
    expect(story).toEqual(['open', 'hi', '', 'größe ✓']);
  });

  test('path, query, host, origin and subprotocols reach the app; its choice reaches the page', async () => {
    await using t = testApp(talkingApp(), options);
    using _bridge = bridgeMockSocket(t, 'wss://chat.test:8443');
    const socket = new page.WebSocket('wss://chat.test:8443/whoami/Ann%20B?since=7&x=%26', ['v1', 'v2']);
    const story = storyOf(socket);
    expect(socket.protocol).toBe('');
    await t.settle();
    expect(socket.protocol).toBe('v2');
    expect(JSON.parse(String(story[1]))).toEqual({
      name: 'Ann B',
      query: '?since=7&x=%26',
      offered: ['v1', 'v2'],
      host: 'chat.test:8443',
      from: 'https://chat.test:8443',
    });
    expect(socket.url).toBe('wss://chat.test:8443/whoami/Ann%20B?since=7&x=%26');
  });

  test('binary goes both ways, as the page asks for it', async () => {
    await using t = testApp(talkingApp(), options);
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new page.WebSocket('ws://chat.test/echo');
    const story = storyOf(socket);
    await t.settle();
    socket.send(new Uint8Array([1, 2, 3]));
    await t.settle();
    socket.binaryType = 'arraybuffer';
    socket.send(new Uint8Array([0, 4, 5, 0]).subarray(1, 3));
    socket.send(new Uint8Array([6]).buffer);
    await t.settle();
    const [, blob, view, buffer] = story;
    expect(blob).toBeInstanceOf(Blob);
    expect(new Uint8Array(await (blob as Blob).arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
    expect(view).toBeInstanceOf(ArrayBuffer);
    expect(new Uint8Array(view as ArrayBuffer)).toEqual(new Uint8Array([4, 5]));
    expect(new Uint8Array(buffer as ArrayBuffer)).toEqual(new Uint8Array([6]));
  });

  test('a Blob keeps its place among what is sent, and a close comes behind it', async () => {
    await using t = testApp(talkingApp(), options);
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new page.WebSocket('ws://chat.test/echo');
    socket.binaryType = 'arraybuffer';
    await t.settle();
    socket.send('one');
    socket.send(new Blob(['two']));
    socket.send('three');
    socket.close(1000, 'done');
    expect(socket.readyState).toBe(socket instanceof page.WebSocket ? page.WebSocket.CLOSING : -1);
    const reader = await t.connect('/room/any');
    await reader.expectNothing();
    await t.settle();
    expect(socket.readyState).toBe(page.WebSocket.CLOSED);
    // A message after close() is none; what the server saw is in the test's own diagram.
    const transcript = (t as unknown as { log: { of(name: string): Transcript } }).log.of('browser 1');
    expect(transcript.toString()).toMatch(/→ one\n.*→ <3 bytes 74776f>\n.*→ three\n.*closed 1000/s);
  });

  test('a denial is an error and a close with 1006; nothing tells a page why', async () => {
    await using t = testApp(talkingApp(), options);
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const denied = storyOf(new page.WebSocket('ws://chat.test/private'));
    const nowhere = storyOf(new page.WebSocket('ws://chat.test/nowhere'));
    await t.settle();
    const dead = ['error', { code: 1006, reason: '', wasClean: false }];
    expect([denied, nowhere]).toEqual([dead, dead]);
  });

  test('close codes go both ways', async () => {
    await using t = testApp(talkingApp(), options);
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const sockets = Array.from({ length: 3 }, () => new page.WebSocket('ws://chat.test/echo'));
    const stories = sockets.map(storyOf);
    await t.settle();
    sockets[0]?.send('bye');
    sockets[1]?.close(3001, 'enough');
    sockets[2]?.close();
    await t.settle();
    expect(stories).toEqual([
      ['open', { code: 4002, reason: 'so long', wasClean: true }],
      ['open', { code: 3001, reason: 'enough', wasClean: true }],
      ['open', { code: 1005, reason: '', wasClean: true }],
    ]);
    expect(t.app.inspect().connections).toBe(0);
  });

  test("pages and the test's own clients are in one room", async () => {
    await using t = testApp(talkingApp(), options);
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const ann = await t.connect('/room/7');
    const stories = [1, 2, 3].map(() => storyOf(new page.WebSocket('ws://chat.test/room/7')));
    await t.settle();
    ann.sendJson('hi');
    await ann.expect({ said: 'hi' });
    await t.settle();
    expect(stories).toEqual([1, 2, 3].map(() => ['open', '{"said":"hi"}']));
    expect(await t.app.channelBox.members('7')).toHaveLength(4);
  });
});

test('bufferedAmount is what has not left yet, and grows for good after the close', async () => {
  await using t = testApp(talkingApp());
  using _bridge = bridgeMockSocket(t, 'ws://chat.test');
  const socket = new page.WebSocket('ws://chat.test/echo');
  await t.settle();
  expect(socket.bufferedAmount).toBe(0);
  socket.send('ü');
  socket.send(new Uint8Array(3));
  expect(socket.bufferedAmount).toBe(5);
  await t.settle();
  expect(socket.bufferedAmount).toBe(0);
  socket.close();
  await t.settle();
  socket.send('late');
  expect(socket.bufferedAmount).toBe(4);
});

test('wrong use throws as a browser does', async () => {
  await using t = testApp(talkingApp());
  using _bridge = bridgeMockSocket(t, 'ws://chat.test');
  const socket = new page.WebSocket('ws://chat.test/echo');
  expect(() => socket.send('early')).toThrow(expect.objectContaining({ name: 'InvalidStateError' }));
  expect(() => socket.close(1001)).toThrow(expect.objectContaining({ name: 'InvalidAccessError' }));
  expect(() => socket.close(1000, 'x'.repeat(124))).toThrow(expect.objectContaining({ name: 'SyntaxError' }));
  expect(() => new page.WebSocket('ftp://chat.test')).toThrow('scheme');
});

test('a page that closes while it connects, or agrees on no subprotocol, never opens', async () => {
  await using t = testApp(talkingApp());
  using _bridge = bridgeMockSocket(t, 'ws://chat.test');
  const socket = new page.WebSocket('ws://chat.test/echo');
  const story = storyOf(socket);
  socket.close();
  const other = storyOf(new page.WebSocket('ws://chat.test/echo', 'v1'));
  await t.settle();
  const dead = ['error', { code: 1006, reason: '', wasClean: false }];
  expect([story, other]).toEqual([dead, dead]);
});

test('listeners are called as a browser calls them', async () => {
  await using t = testApp(talkingApp());
  using bridge = bridgeMockSocket(t, 'ws://chat.test');
  const socket = new page.WebSocket('ws://chat.test/echo');
  const called: string[] = [];
  const controller = new AbortController();
  socket.onopen = function (this: unknown, event) {
    called.push(`onopen ${this === socket && event.target === socket && event instanceof Event}`);
  };
  socket.addEventListener('message', () => called.push('once'), { once: true });
  socket.addEventListener('message', () => called.push('until'), { signal: controller.signal });
  socket.onmessage = () => called.push('replaced');
  socket.onmessage = (event) => called.push(`onmessage ${String(event.data)} ${event.origin}`);
  await t.settle();
  socket.send('1');
  await t.settle();
  controller.abort();
  socket.send('2');
  await t.settle();
  expect(called).toEqual(['onopen true', 'once', 'until', 'onmessage 1 ws://chat.test', 'onmessage 2 ws://chat.test']);
  expect(socket).toBeInstanceOf(bridge.WebSocket as PageWebSocketClass);
});

test('promises settle between two events, as tasks of their own', async () => {
  await using t = testApp(
    new App({ logger: quiet }).wsRoute('/two', async (ws) => {
      await ws.accept();
      void ws.sendText('1');
      await ws.sendText('2');
    }),
  );
  using _bridge = bridgeMockSocket(t, 'ws://chat.test');
  const seen: string[] = [];
  new page.WebSocket('ws://chat.test/two').onmessage = async ({ data }) => {
    seen.push(`got ${String(data)}`);
    await Promise.resolve().then(() => {});
    seen.push(`done ${String(data)}`);
  };
  await t.settle();
  expect(seen).toEqual(['got 1', 'done 1', 'got 2', 'done 2']);
});

describe('whoever has the timers', () => {
  test("it works under vitest's fake timers, none of them moved", async () => {
    vi.useFakeTimers();
    await using t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new page.WebSocket('ws://chat.test/echo');
    const story = storyOf(socket);
    await t.settle();
    socket.send('hi');
    await t.settle();
    socket.close();
    await t.settle();
    expect(story).toEqual(['open', 'hi', { code: 1005, reason: '', wasClean: true }]);
  });

  test("it works under vitest's fake timers that are moved, as code for mock-socket moves them", async () => {
    vi.useFakeTimers();
    await using t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new page.WebSocket('ws://chat.test/echo');
    const story = storyOf(socket);
    await vi.advanceTimersByTimeAsync(4);
    socket.send('hi');
    await vi.advanceTimersByTimeAsync(4);
    expect(story).toEqual(['open', 'hi']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('it works under the installed clock, whose time also moves the page', async () => {
    await using t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    using _installed = t.clock.install();
    const socket = new page.WebSocket('ws://chat.test/echo');
    const story = storyOf(socket);
    socket.addEventListener('open', () => void setTimeout(() => socket.send('a minute later'), 60_000));
    await t.settle();
    expect(t.clock.pending().filter(({ label }) => label === 'setTimeout')).toHaveLength(1);
    await t.clock.advance('1m');
    expect(story).toEqual(['open', 'a minute later']);
  });
});

describe('beside it', () => {
  test("mock-socket's own class is bridged when it is injected", async () => {
    await using t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new MockWebSocket('ws://chat.test/whoami/ann', ['v1', 'v2']) as unknown as PageWebSocket;
    const story = storyOf(socket);
    await t.settle();
    expect(story).toEqual(['open', expect.stringContaining('"ann"'), { code: 1000, reason: '', wasClean: true }]);
    expect(socket.protocol).toBe('v2');
    expect(socket).toBeInstanceOf(MockWebSocket);
  });

  test("mock-socket's own servers serve on, at their addresses", async () => {
    await using t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const server = new Server('ws://other.test', { mock: false });
    const own = new Server('ws://chat.test/mine', { mock: false });
    for (const each of [server, own]) each.on('connection', (client) => client.send('mocked'));
    const stories = ['ws://other.test', 'ws://chat.test/mine'].map((url) => storyOf(new page.WebSocket(url)));
    await expect.poll(() => stories).toEqual([1, 2].map(() => ['open', 'mocked']));
    for (const each of [server, own]) each.stop();
  });

  test('an address that nobody serves is closed with 1006', async () => {
    await using t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test/echo');
    const story = storyOf(new page.WebSocket('ws://chat.test/echoes'));
    await expect.poll(() => story).toEqual(['error', { code: 1006, reason: '', wasClean: false }]);
  });

  test('two bridges stand side by side, the longer path first; not two at one address', async () => {
    await using one = testApp(talkingApp());
    await using two = testApp(talkingApp());
    using _one = bridgeMockSocket(one, 'ws://chat.test');
    using _two = bridgeMockSocket(two, 'ws://chat.test/room');
    expect(() => bridgeMockSocket(two, 'ws://chat.test/')).toThrow('another bridge stands at ws://chat.test');
    storyOf(new page.WebSocket('ws://chat.test/room/7'));
    storyOf(new page.WebSocket('ws://chat.test/echo'));
    await one.settle();
    await two.settle();
    expect([one.app.inspect().connections, two.app.inspect().connections]).toEqual([1, 1]);
  });

  test('its end closes the page as a browser closes a page, and gives the global back', async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    await using t = testApp(talkingApp());
    const bridge = bridgeMockSocket(t, 'ws://chat.test');
    const prototype = (bridge.WebSocket as { prototype: object }).prototype;
    const socket = new page.WebSocket('ws://chat.test/room/7');
    const story = storyOf(socket);
    await t.settle();
    bridge[Symbol.dispose]();
    bridge[Symbol.dispose]();
    await t.settle();
    expect(story).toEqual(['open']);
    expect(socket.readyState).toBe(3);
    expect(await t.app.channelBox.showGroups()).toEqual(new Map());
    expect(Object.getOwnPropertyDescriptor(globalThis, 'WebSocket')).toEqual(before);
    expect(Object.getOwnPropertyNames(prototype)).not.toContain('url');
    expect(() => bridgeMockSocket(t, 'chat.test')).toThrow(expect.objectContaining({ code: 'CHANNELBOX_BRIDGE_URL' }));
  });

  test('the end of the test ends the pages that are still open', async () => {
    const t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    storyOf(new page.WebSocket('ws://chat.test/deaf'));
    await t.settle();
    await t.close();
    expect(t.app.inspect().connections).toBe(0);
  });

  test("an error in a handler that serves a page is the test's", async () => {
    const t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new page.WebSocket('ws://chat.test/echo');
    const story = storyOf(socket);
    await t.settle();
    socket.send('boom');
    await expect(t.settle()).rejects.toThrow('boom');
    await t.settle();
    expect(story).toEqual(['open', { code: 1011, reason: '', wasClean: true }]);
    await t.close();
  });

  test('a spy on the prototype sees what a page sends', async () => {
    await using t = testApp(talkingApp());
    using bridge = bridgeMockSocket(t, 'ws://chat.test');
    const spy = vi.spyOn((bridge.WebSocket as unknown as { prototype: PageWebSocket }).prototype, 'send');
    const socket = new page.WebSocket('ws://chat.test/echo');
    await t.settle();
    socket.send('hi');
    expect(spy).toHaveBeenCalledWith('hi');
    spy.mockRestore();
  });

  test('a page reaches what is running elsewhere, over a URL', async () => {
    const { createServer } = await import('node:http');
    const server = createServer();
    const app = talkingApp({ origins: '*' });
    app.attach(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const t = testUrl(`ws://127.0.0.1:${port}`);
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const socket = new page.WebSocket('ws://chat.test/echo');
    const story = storyOf(socket);
    socket.addEventListener('open', () => socket.send('hi'));
    await expect.poll(() => story).toEqual(['open', 'hi']);
    await t.close();
    await app.close();
    server.close();
  });

  test("closes at mock-socket's own servers say what they do without a bridge, from both sides", async () => {
    const round = async (): Promise<unknown[]> => {
      const server = new Server('ws://other.test', { mock: false });
      server.on('connection', (socket) => {
        socket.on('message', (data) => {
          if (data === 'kick') socket.close({ code: 1000, reason: 'bye', wasClean: true });
        });
      });
      const sockets = [1, 2, 3].map(() => new MockWebSocket('ws://other.test'));
      const opened = sockets.map((socket) => new Promise((resolve) => (socket.onopen = resolve)));
      const closes = sockets.map(
        (socket) => new Promise((resolve) => (socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean }))),
      );
      await Promise.all(opened);
      sockets[0]?.close(1000, 'mine');
      sockets[1]?.send('kick');
      sockets[2]?.close();
      const seen = await Promise.all(closes);
      server.stop();
      return seen;
    };
    const without = await round();
    await using t = testApp(talkingApp());
    using bridge = bridgeMockSocket(t, 'ws://chat.test');
    expect(await round()).toEqual(without);
    bridge[Symbol.dispose]();
    expect(await round()).toEqual(without);
  });

  test('a socket that opened before a bridge stood, and closes while it does, keeps its code', async () => {
    const server = new Server('ws://other.test', { mock: false });
    const socket = new MockWebSocket('ws://other.test');
    await new Promise((resolve) => (socket.onopen = resolve));
    await using t = testApp(talkingApp());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    server.stop();
    const closed = new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
    socket.close(1000);
    expect(await closed).toBe(1000);
  });

  test('a bridge ends with its test, also where nobody disposed of it', async () => {
    const before = page.WebSocket;
    const one = testApp(talkingApp());
    bridgeMockSocket(one, 'ws://chat.test');
    await one.close();
    expect(page.WebSocket).toBe(before);
    const two = testApp(talkingApp());
    const bridge = bridgeMockSocket(two, 'ws://chat.test');
    const story = storyOf(new page.WebSocket('ws://chat.test/echo'));
    await two.settle();
    expect(story).toEqual(['open']);
    await two.close();
    bridge[Symbol.dispose]();
    expect(page.WebSocket).toBe(before);
  });

  test.each(['memory', 'tcp'] as const)(
    "an error of a page's listener fails its own test, over %s",
    async (transport) => {
      const [one, other] = [testApp(talkingApp(), { transport }), testApp(talkingApp(), { transport })];
      using _bridge = bridgeMockSocket(one, 'ws://chat.test');
      const socket = new page.WebSocket('ws://chat.test/echo');
      const heard: unknown[] = [];
      socket.addEventListener('message', () => {
        throw new Error('spilt milk');
      });
      socket.addEventListener('message', ({ data }) => heard.push(data));
      await one.settle();
      socket.send('hi');
      await expect(one.settle()).rejects.toThrow('spilt milk');
      expect(heard).toEqual(['hi']);
      await one.close();
      using _other = bridgeMockSocket(other, 'ws://chat.test');
      new page.WebSocket('ws://chat.test/echo').onopen = () => {
        throw new Error('spilt milk');
      };
      await expect(other.close()).rejects.toThrow(
        /an error that nobody saw, in \/echo, the page's listener of open, connection browser 1:\n.*spilt milk/,
      );
    },
  );
});
