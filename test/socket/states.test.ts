import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, WebSocketDisconnect, type Upgrade, type Wire } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { simulate } from 'channelbox/testing/simulator';
import { expect, test } from 'vitest';
import { Connection } from '../../src/socket/connection.ts';
import { ServerWebSocket } from '../../src/socket/websocket.ts';
import { root } from '../package/run.ts';
import { roomSimulation } from '../simulator/room-app.ts';

/** As docs/connection-states.dot draws them. */
const drawn = [
  ...readFileSync(join(root, 'docs/connection-states.dot'), 'utf8').matchAll(/^ {2}(\w+) -> (\w+) \[/gm),
].map(([, from, to]) => `${from} -> ${to}`);

const phaseOf = Object.getOwnPropertyDescriptor(Connection.prototype, 'phase')?.get as () => string;

/** Looks at a connection's phase before and after each call and each getter of it, so that no step between two is missed. */
class WatchedPhases implements Disposable {
  readonly seen: Set<string> = new Set();
  readonly #last = new WeakMap<object, string>();
  readonly #restore: (() => void)[] = [];

  constructor() {
    for (const prototype of [Connection.prototype, ServerWebSocket.prototype]) this.#wrap(prototype);
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restore) restore();
  }

  #wrap(prototype: object): void {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name === 'constructor' || name === 'phase') continue;
      const { get, value } = descriptor as { get?: () => unknown; value?: unknown };
      const wrapped = (method: (...args: unknown[]) => unknown): ((...args: unknown[]) => unknown) => {
        const look = (socket: unknown): void => this.#look(socket);
        return function (this: unknown, ...args: unknown[]) {
          look(this);
          try {
            return method.apply(this, args);
          } finally {
            look(this);
          }
        };
      };
      if (get !== undefined) Object.defineProperty(prototype, name, { ...descriptor, get: wrapped(get) });
      else if (typeof value === 'function')
        Object.defineProperty(prototype, name, { ...descriptor, value: wrapped(value as () => unknown) });
      else continue;
      this.#restore.push(() => Object.defineProperty(prototype, name, descriptor));
    }
  }

  #look(socket: unknown): void {
    if (!(socket instanceof Connection)) return;
    const phase = phaseOf.call(socket);
    const last = this.#last.get(socket) ?? 'pending';
    if (phase === last) return;
    this.#last.set(socket, phase);
    this.seen.add(`${last} -> ${phase}`);
  }
}

/** An upgrade by hand: its client leaves when the test says so. */
function asked(path: string, accept: () => Promise<Wire>): { upgrade: Upgrade; leave: () => void } {
  const leaving = new AbortController();
  const upgrade: Upgrade = {
    url: new URL(`ws://here${path}`),
    method: 'GET',
    headers: [],
    client: { host: '127.0.0.1', port: 1 },
    signal: leaving.signal,
    accept,
    deny: () => Promise.resolve(),
  };
  return { upgrade, leave: () => leaving.abort() };
}

function everyWay(): App {
  return new App()
    .wsRoute('/talks', async (ws) => {
      await ws.accept();
      for await (const text of ws.iterText()) await ws.sendText(text);
    })
    .wsRoute('/closes', async (ws) => {
      await ws.accept();
      await ws.close(4001);
    })
    .wsRoute('/denies', (ws) => ws.deny(403))
    .wsRoute('/thinks', (ws) => new Promise<void>((resolve) => ws.signal.addEventListener('abort', () => resolve())));
}

test('a connection goes each way that the picture of its states draws, and no other', async () => {
  using watched = new WatchedPhases();
  await using t = testApp(everyWay());
  const talker = await t.connect('/talks');
  await talker.close();
  const closed = await t.connect('/closes');
  await closed.expectClosed({ code: 4001 });
  await t.handshake('/denies');
  const early = asked('/thinks', () => Promise.reject(new Error('it is not accepted')));
  const thinking = t.app.handle(early.upgrade);
  early.leave();
  await thinking;
  await t.app.handle(asked('/talks', () => Promise.reject(new WebSocketDisconnect())).upgrade);

  expect([...watched.seen].toSorted()).toEqual(drawn.toSorted());
});

test('whatever befalls rooms of clients, a connection goes no way that is not drawn', async () => {
  using watched = new WatchedPhases();
  (await simulate({ ...roomSimulation(), seed: 3, runs: 20 })).unwrap();

  expect(watched.seen.size).toBeGreaterThan(3);
  expect([...watched.seen].filter((way) => !drawn.includes(way))).toEqual([]);
});
