import { createServer, type Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { App, ChannelBox, consumer, type Position } from 'channelbox';
import { constant, load, uniform, type RunReport, type Scenario } from 'channelbox/load';
import type * as Graphql from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { Server as SocketServer } from 'socket.io';
import { describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';

// The form that graphql-ws loads: its two forms do not take each other's schemas.
const { buildSchema } = createRequire(import.meta.url)('graphql') as typeof Graphql;

const scenario: Scenario = {
  clients: 12,
  rooms: uniform(3),
  schedule: constant(10),
  duration: '1s',
  deadline: '20s',
};
const clean = { lost: 0, duplicated: 0, reordered: 0, misrouted: 0, corrupt: 0 };

interface RealServer extends AsyncDisposable {
  readonly url: string;
}

describe.each(['ws', 'raw'] as const)(
  'with the %s client, every delivery is accounted for by the adapter',
  (client) => {
    test('socket.io, past its ping timeout', async () => {
      await using server = await socketServer();
      const report = await load({ ...scenario, duration: '6s', adapter: 'socket.io' }, { target: server.url, client });
      expectClean(report);
      expect(report.frames).toMatchObject({ open: 12, connect: 12, joined: 12 });
      expect(report.frames['ping']).toBeGreaterThan(0);
    });

    test('graphql-ws', async () => {
      await using server = await graphqlServer();
      const report = await load({ ...scenario, adapter: 'graphql-ws' }, { target: `${server.url}/graphql`, client });
      expectClean(report);
      // Each mutation is answered and ended.
      expect(report.frames).toMatchObject({ connection_ack: 12, pong: 12, next: report.ledger.published });
    });

    test('channelbox, across a restart that closes everybody', async () => {
      await using server = await feedServer();
      const reconnects = { backoff: '200ms' } as const;
      const run = { ...scenario, adapter: 'channelbox', duration: '2s', reconnects } as const;
      const report = await load(run, { target: server.url, client });
      expectClean(report, 24);
      expect(report.clients.reconnected).toBe(12);
      expect(report.closes).toMatchObject({ 1012: 12 });
      // A page that holds what was missed is a delivery, so it is not among these.
      expect(report.frames).toEqual({ page: expect.any(Number) });
    });
  },
);

function expectClean(report: RunReport, connected = 12): void {
  expect(report.clients).toMatchObject({ connected, refused: 0, dropped: 0 });
  expect(report.ledger).toMatchObject(clean);
  expect(report.ledger.received).toBe(report.ledger.expected);
  expect(report.ledger.expected).toBeGreaterThan(100);
}

async function served(http: HttpServer, end: () => unknown): Promise<RealServer> {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      await end();
      http.closeAllConnections();
      if (http.listening) await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Whoever does not answer its pings is closed after 5.3 s. */
async function socketServer(): Promise<RealServer> {
  const http = createServer();
  const server = new SocketServer(http, { transports: ['websocket'], pingInterval: 300, pingTimeout: 5_000 });
  server.on('connection', (socket) => {
    let room = '';
    socket.on('join', async (name: string) => {
      room = name;
      await socket.join(name);
      socket.emit('joined', name);
    });
    socket.on('message', (data: unknown) => server.to(room).emit('message', data));
  });
  return await served(http, async () => await server.close());
}

interface Published {
  readonly room: string;
  readonly stamp: string;
  readonly payload?: string;
}

async function graphqlServer(): Promise<RealServer> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, path: '/graphql' });
  const listeners = new Set<(message: Published) => void>();
  const schema = graphqlSchema();
  const roots = {
    subscription: {
      message: ({ room }: { room: string }) => roomMessages(listeners, room),
    },
    mutation: {
      publish: (message: Published) => {
        for (const listener of listeners) listener(message);
        return true;
      },
    },
    query: { rooms: () => 0 },
  };
  const { dispose } = useServer({ schema, roots }, sockets);
  return await served(http, dispose);
}

function graphqlSchema(): Graphql.GraphQLSchema {
  return buildSchema(`
    type Query { rooms: Int }
    type Message { stamp: String!, payload: String }
    type Mutation { publish(room: String!, stamp: String!, payload: String): Boolean }
    type Subscription { message(room: String!): Message }
  `);
}

/** What is published in a room from the call on, until the subscription is returned. */
function roomMessages(
  listeners: Set<(message: Published) => void>,
  room: string,
): AsyncIterableIterator<{ message: Published }> {
  const queue: Published[] = [];
  let wake: (() => void) | undefined;
  let isOver = false;
  const listener = (message: Published): void => {
    if (message.room !== room) return;
    queue.push(message);
    wake?.();
  };
  listeners.add(listener);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (queue.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve));
      const message = queue.shift();
      return message === undefined ? { value: undefined, done: true } : { value: { message }, done: false };
    },
    async return() {
      listeners.delete(listener);
      isOver = true;
      wake?.();
      return await Promise.resolve({ value: undefined, done: true as const });
    },
  };
}

/** The feed of the guide; it closes everybody once, when all twelve are there and have spoken for a while. */
async function feedServer(): Promise<RealServer> {
  const channelBox = new ChannelBox({
    historyCount: 500,
    frame: ({ payload, position }) => ({ ...(payload as object), position }),
  });
  let messages = 0;
  const feed = consumer('/feed/{name}', {
    encoding: 'json',
    async onConnect(ws) {
      await ws.accept();
      await this.resumeGroup(ws.params.name, {
        ...sinceOf(ws.query),
        limit: 100,
        first: ({ messages: page, recovered, position }) =>
          ws.sendJson({ type: 'page', messages: page, recovered, position }),
      });
    },
    async onReceive(ws, data) {
      await this.broadcast({ data }, ws.params.name, { saveHistory: true });
      messages += 1;
      if (messages === 60) await channelBox.closeAllConnections({ code: 1012 });
    },
  });
  const app = new App({ channelBox, limits: { closeTimeoutMs: 500 } }).addWsRoute(feed);
  const { port } = await app.listen(0, '127.0.0.1');
  return { url: `ws://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => await app.close() };
}

function sinceOf(query: URLSearchParams): { since?: Position } {
  const epoch = query.get('epoch');
  return epoch === null ? {} : { since: { epoch, offset: Number(query.get('offset')) } };
}
