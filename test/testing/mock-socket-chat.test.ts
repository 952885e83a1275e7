/** The chat page's own client, as the browser loads it, against the chat server's own room: no port, no real time. */
import { bridgeMockSocket, type MockSocketBridge } from 'channelbox/testing/mock-socket';
import { testApp, type TestApp } from 'channelbox/testing';
import type { WebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { createChat } from '../../examples/chat/chat.ts';

interface ChatClient {
  start(): void;
  stop(): void;
  send(text: string): void;
}

// The page is plain JavaScript without declarations; its types are checked in the browser's terms, by its own jsconfig.
const file = new URL('../../examples/chat/page/chat-client.js', import.meta.url).href;
const page = (await import(/* @vite-ignore */ file)) as { readonly ChatClient: new (options: object) => ChatClient };

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The app takes the test's clock from `testApp`; the page reads the same one. */
function chatUnderTest(): TestApp {
  return testApp(({ clock }) => createChat({ clock, logger: quiet }));
}

/** One page in the room, and what it showed. */
class Page {
  readonly shown: string[] = [];
  readonly connections: string[] = [];
  people: readonly unknown[] | undefined = [];
  unsent = 0;
  readonly client: ChatClient;

  constructor(user: string, t: TestApp, bridge: MockSocketBridge) {
    this.client = new page.ChatClient({
      address: 'ws://chat.test',
      room: 'tea',
      user,
      listener: {
        connection: (state: string) => this.connections.push(state),
        frames: (frames: readonly { message: string }[]) => this.shown.push(...frames.map(({ message }) => message)),
        members: () => {},
        people: (names: readonly unknown[] | undefined) => (this.people = names),
        outbox: (outbox: readonly unknown[]) => (this.unsent = outbox.length),
      },
      surroundings: { WebSocket: bridge.WebSocket, now: () => t.clock.monotonic(), random: () => 0.5 },
    });
    this.client.start();
  }
}

test('two pages talk, and know of each other', async () => {
  await using t = chatUnderTest();
  using bridge = bridgeMockSocket(t, 'ws://chat.test');
  using _installed = t.clock.install();
  const ann = new Page('Ann', t, bridge);
  await t.settle();
  const bob = new Page('Bob', t, bridge);
  await t.settle();
  ann.client.send('hello');
  await t.settle();

  expect(ann.shown).toEqual(['Bob joined the chat', 'hello']);
  expect(bob.shown).toEqual(['hello']);
  expect(bob.people).toHaveLength(2);
  expect(ann.unsent).toBe(0);
});

test('a page that is cut off comes back by itself, and misses nothing', async () => {
  const sockets: WebSocket[] = [];
  await using t = testApp(({ clock }) =>
    createChat({ clock, logger: quiet }).addWsMiddleware(async (ws, next) => {
      sockets.push(ws);
      await next();
    }),
  );
  using bridge = bridgeMockSocket(t, 'ws://chat.test');
  using _installed = t.clock.install();
  const bob = new Page('Bob', t, bridge);
  await t.settle();
  const ann = await t.connect('/room/tea', { query: { username: 'Ann' } });
  await sockets[0]?.close(1012);
  await t.settle();
  expect(bob.connections).toEqual(['connecting', 'open', 'waiting']);
  ann.sendJson({ type: 'message', content: 'while you were away' });
  bob.client.send('written while away');
  await t.clock.advance('374ms');
  expect(bob.connections).toHaveLength(3);
  await t.clock.advance('1ms');

  expect(bob.connections).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open']);
  expect(bob.shown).toEqual(['Ann joined the chat', 'while you were away', 'written while away']);
  await ann.waitFor((frame: { message?: string }) => frame.message === 'written while away');
});
