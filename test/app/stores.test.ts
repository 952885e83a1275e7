import { App, consumer, type AppSnapshot, type WebSocket, type Wire } from 'channelbox';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../src/random.ts';
import type { ServerWebSocket } from '../../src/socket/websocket.ts';
import { Arena } from '../hostile/arena.ts';
import { encodeFrame, opcode } from '../hostile/frames.ts';
import { handshake, type RawClient } from '../hostile/raw-client.ts';
import { seedOfTest } from '../load/seed.ts';
import { turn } from '../manual-clock.ts';

type Sums = Pick<AppSnapshot, 'channels' | 'bufferedBytes' | 'inboundBytes' | 'headerBytes'>;

/** Whether its descriptor is gone, or going: the system tells a moment later. */
function isReleased(socket: ServerWebSocket): boolean {
  const { wire } = socket as unknown as { readonly wire: { readonly isReleased: boolean } | undefined };
  return wire === undefined || (socket.phase === 'closed' && wire.isReleased);
}

/** What `inspect()` says, counted anew by asking each socket that ever was. */
function recount(sockets: Iterable<ServerWebSocket>): Sums {
  let [channels, bufferedBytes, inboundBytes, headerBytes] = [0, 0, 0, 0];
  for (const socket of sockets) {
    const isThere = !isReleased(socket);
    if (socket.isOpen && socket.hasChannel) channels += 1;
    if (isThere) bufferedBytes += socket.bufferedBytes;
    if (isThere) headerBytes += socket.upgrade.keptBytes ?? 0;
    if (socket.phase === 'pending') inboundBytes += socket.upgrade.askingBytes ?? 0;
    inboundBytes += socket.inbox.queuedBytes + socket.inbox.pulse.unfinishedBytes;
  }
  return { channels, bufferedBytes, inboundBytes, headerBytes };
}

/** Sockets of every kind: let in at once or never, stuck at a frame or quick, with and without a channel. */
class Crowd {
  readonly sockets = new Set<ServerWebSocket>();
  /** Of which the system has told. */
  readonly gone = new Set<ServerWebSocket>();
  readonly open: WebSocket[] = [];
  go: () => void = () => {};
  #gate: Promise<void> = Promise.resolve();

  constructor() {
    this.shut();
  }

  shut(): void {
    this.#gate = new Promise((resolve) => (this.go = resolve));
  }

  /** Whether one is neither there nor gone. */
  get isBetween(): boolean {
    return [...this.sockets].some((socket) => socket.wasAccepted && isReleased(socket) && !this.gone.has(socket));
  }

  readonly routes = (app: App): void => {
    app.addWsMiddleware((ws, next) => {
      const socket = ws as ServerWebSocket;
      this.sockets.add(socket);
      ws.request?.socket.once('close', () => this.gone.add(socket));
      return next();
    });
    app.addWsRoute(consumer('/stuck', { onReceive: () => this.#gate }));
    app.wsRoute('/plain', async (ws) => {
      await ws.accept();
      this.open.push(ws);
      for await (const { data } of ws) if (data.length > 40) void ws.channel;
    });
    app.wsRoute('/never', (ws) => new Promise((resolve) => ws.signal.addEventListener('abort', resolve)));
  };
}

test(
  'what inspect() keeps as running totals is what a recount finds, whatever happened',
  { timeout: 60_000 },
  async () => {
    const seed = seedOfTest();
    const { next } = new SeededRandom(seed);
    const below = (count: number): number => Math.floor(next() * count);
    const crowd = new Crowd();
    await using arena = await Arena.open({
      routes: crowd.routes,
      limits: { closeTimeoutMs: 500, inboundQueue: 8, slowConsumer: 'drop' },
    });
    const clients: RawClient[] = [];
    const one = <T>(all: readonly T[]): T | undefined => all[below(all.length)];
    const frame = (bytes: number): Buffer => encodeFrame({ opcode: opcode.binary, payload: Buffer.alloc(bytes) });
    const steps: Readonly<Record<string, () => unknown>> = {
      comes: async () => {
        const path = one(['/stuck', '/plain', '/echo', '/never']) as string;
        const client = await arena.raw();
        const before = crowd.sockets.size;
        client.write(handshake(`GET ${path} HTTP/1.1`, { 'X-Own': 'x'.repeat(below(3_000)) }));
        await arena.until(() => crowd.sockets.size > before, 'the handshake has come');
        if (path !== '/never') clients.push(client);
        else if (below(2) === 0) client.reset();
      },
      says: () => void one(clients)?.write(frame(below(2_000))),
      begins: () => void one(clients)?.write(frame(100_000).subarray(0, 10 + below(50_000))),
      pings: () => void one(clients)?.write(encodeFrame({ opcode: opcode.ping, payload: 'a' })),
      stopsReading: () => void one(clients)?.socket.pause(),
      readsOn: () => void one(clients)?.socket.resume(),
      isSent: () => void one(crowd.open)?.sendBytes(new Uint8Array(below(400_000))),
      isSentByOthers: () => {
        const ws = one(crowd.open);
        if (ws !== undefined) void arena.app.channelBox.sendTo(ws.id, 'x'.repeat(below(400_000)));
      },
      claims: () => void one(crowd.open)?.channel,
      isClosed: () => void one(crowd.open)?.close(),
      resets: () => clients.splice(below(clients.length), 1)[0]?.reset(),
      leaves: () => void clients.splice(below(clients.length), 1)[0]?.socket.end(),
      handlersGoOn: async () => {
        crowd.go();
        await turn(2);
        crowd.shut();
      },
      turns: () => turn(3),
      timePasses: () => arena.clock.advance(200),
    };
    const names = [...Object.keys(steps), 'comes', 'comes', 'says', 'isSent', 'begins'];
    const seen = { channels: 0, bufferedBytes: 0, inboundBytes: 0, headerBytes: 0 };
    for (let count = 0; count < 600; count += 1) {
      const name = one(names) as string;
      await steps[name]?.();
      await arena.until(() => !crowd.isBetween, 'the system has told of those that are gone');
      const { channels, bufferedBytes, inboundBytes, headerBytes } = arena.app.inspect();
      const told: Sums = { channels, bufferedBytes, inboundBytes, headerBytes };
      expect(told, `seed ${seed}, step ${count}: ${name}`).toEqual(recount(crowd.sockets));
      for (const key of Object.keys(seen) as (keyof Sums)[]) seen[key] = Math.max(seen[key], told[key]);
    }
    expect(Math.min(...Object.values(seen)), 'each was above nothing once').toBeGreaterThan(0);
    for (const client of clients) client.destroy();
    crowd.go();
  },
);

test('a look costs the same however many sockets are open: it asks those alone for which something may wait', async () => {
  let asked = 0;
  const wire = (): Wire => ({
    write: () => 'sent',
    drained: () => Promise.resolve(),
    get bufferedBytes() {
      asked += 1;
      return 0;
    },
    waitingBytes: 0,
    pause() {},
    resume() {},
    ping() {},
    close() {},
    terminate() {},
    listen() {},
  });
  const app = new App({ limits: { heartbeatMs: Infinity } }).wsRoute('/', async (ws) => {
    await ws.accept();
    void ws.channel;
    await ws.receive();
  });
  for (let count = 0; count < 1_000; count += 1) {
    void app.handle({
      url: new URL('ws://app.test/'),
      method: 'GET',
      headers: [],
      client: { host: '127.0.0.1', port: 1 },
      signal: new AbortController().signal,
      accept: () => Promise.resolve(wire()),
      deny: () => Promise.resolve(),
    });
  }
  await turn(2);
  asked = 0;
  expect(app.inspect()).toMatchObject({ connections: 1_000, channels: 1_000, bufferedBytes: 0 });
  expect(asked).toBe(0);
});
