import { App, rateLimit, type AppOptions, type Handler, type Middleware } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { until } from '../../testing/conformance/case.ts';
import { dialMemory } from '../../load/run/inproc/memory-connection.ts';
import { dialRaw } from '../../load/generator/connection/raw.ts';
import type { DialedConnection, ConnectionOwner, Dial } from '../../load/generator/connection/connection.ts';
import { MemoryTransport } from '../../src/internal.ts';

/** What a limit does to one client, told by what the client sees, in order. */
class Witness implements ConnectionOwner {
  readonly seen: string[] = [];

  opened(): void {
    this.seen.push('opened');
  }

  refused(kind: string): void {
    this.seen.push(`refused ${kind}`);
  }

  frame({ bytes, start, end, isText }: Parameters<ConnectionOwner['frame']>[0]): void {
    this.seen.push(isText ? bytes.toString('utf8', start, end) : `${end - start} bytes`);
  }

  closed(code: number): void {
    this.seen.push(`closed ${code}`);
  }

  get isOver(): boolean {
    return this.seen.some((event) => /^(closed|refused)/.test(event));
  }
}

interface Client {
  readonly connection: DialedConnection;
  readonly witness: Witness;
  /** Waits for so many events. */
  saw(count: number): Promise<void>;
}

interface LimitCase {
  readonly name: string;
  readonly options: AppOptions;
  readonly middleware?: readonly Middleware[];
  readonly handler: Handler;
  /** Ends when the last of `expected` has come. */
  readonly act: (connect: () => Client, app: App) => Promise<Client>;
  readonly expected: readonly string[];
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const echo: Handler = async (ws) => {
  await ws.accept();
  for await (const { data } of ws) await ws.send(data);
};

const one =
  (act: (client: Client, app: App) => unknown): LimitCase['act'] =>
  async (connect, app) => {
    const client = connect();
    await client.saw(1);
    await act(client, app);
    return client;
  };

/** Sends each once the one before it is answered. */
const inTurn =
  (...texts: readonly string[]): LimitCase['act'] =>
  async (connect) => {
    const client = connect();
    for (const [at, text] of texts.entries()) {
      await client.saw(at + 1);
      client.connection.send(text);
    }
    return client;
  };

const cases: readonly LimitCase[] = [
  {
    name: 'the payload, in bytes and not in characters',
    options: { limits: { maxPayloadBytes: 10 } },
    handler: echo,
    act: inTurn('é'.repeat(5), 'é'.repeat(6)),
    expected: ['opened', 'é'.repeat(5), 'closed 1009'],
  },
  {
    name: 'the payload of a binary message',
    options: { limits: { maxPayloadBytes: 10 } },
    handler: echo,
    act: one(({ connection }) => connection.send(new Uint8Array(11))),
    expected: ['opened', 'closed 1009'],
  },
  {
    name: 'connections',
    options: { limits: { maxConnections: 1 } },
    handler: echo,
    act: async (connect) => {
      await connect().saw(1);
      return connect();
    },
    expected: ['refused http-503'],
  },
  {
    name: 'the rate of messages',
    options: {},
    // Nothing of it comes back while the test runs.
    middleware: [rateLimit({ messages: 1, burst: 2, perMs: 3_600_000 })],
    handler: echo,
    act: inTurn('1', '2', '3'),
    expected: ['opened', '1', '2', 'closed 1008'],
  },
  {
    name: 'groups of a channel',
    options: { limits: { groupsPerChannel: 1 } },
    handler: async (ws) => {
      await ws.accept();
      await ws.join('one');
      await ws.join('two').catch((error: unknown) => ws.sendText((error as { code: string }).code));
      await ws.close(4001, 'enough');
    },
    act: one(() => {}),
    expected: ['opened', 'CHANNELBOX_GROUPS_PER_CHANNEL', 'closed 4001'],
  },
  {
    name: 'the name of a group',
    options: { limits: { groupNameBytes: 3 } },
    handler: async (ws) => {
      await ws.accept();
      await ws.join('four');
    },
    act: one(() => {}),
    expected: ['opened', 'closed 1008'],
  },
  {
    name: 'the time to accept',
    // Its handler never ends, and closing the app waits for it twice as long as a close may take.
    options: { limits: { acceptTimeoutMs: 30, closeTimeoutMs: 50 } },
    handler: () => new Promise<void>(() => {}),
    act: async (connect) => connect(),
    expected: ['refused http-503'],
  },
  {
    name: 'the heartbeat of one that does not read',
    options: { limits: { heartbeatMs: 20, heartbeatTimeoutMs: 30 } },
    handler: echo,
    act: one(async ({ connection, witness }, app) => {
      connection.pause();
      // A socket that is not read cannot tell that it was cut off.
      await until(() => app.inspect().counters.heartbeatTimeouts === 1, 'it is cut off');
      expect(witness.seen).toEqual(['opened']);
      connection.resume();
    }),
    expected: ['opened', 'closed 1006'],
  },
  {
    name: 'an answer of the handler itself',
    options: {},
    handler: async (ws) => {
      await ws.deny(new Response('no', { status: 429 }));
    },
    act: async (connect) => connect(),
    expected: ['refused http-429'],
  },
];

async function seenBy(dial: Dial, port: number, app: App, { act, expected }: LimitCase): Promise<readonly string[]> {
  const clients: Client[] = [];
  const connect = (): Client => {
    const witness = new Witness();
    const url = new URL(`ws://127.0.0.1:${port}/`);
    const place = {
      address: '127.0.0.1',
      localAddress: undefined,
      subprotocols: undefined,
      headers: undefined,
      tls: undefined,
      compression: false,
    };
    const client: Client = {
      connection: dial({ url, ...place }, witness),
      witness,
      saw: (events) => until(() => witness.seen.length >= events, `${events} events`),
    };
    clients.push(client);
    return client;
  };
  try {
    const client = await act(connect, app);
    await client.saw(expected.length);
    return client.witness.seen;
  } finally {
    for (const { connection } of clients) connection.terminate();
  }
}

function appOf({ options, middleware = [], handler }: LimitCase): App {
  const app = new App({ ...options, logger: quiet });
  for (const each of middleware) app.addWsMiddleware(each);
  return app.wsRoute('/', handler);
}

describe.each(cases)('$name', (each) => {
  test('limits a client in process as one over a socket', async () => {
    const app = appOf(each);
    const inMemory = dialMemory(new MemoryTransport((upgrade) => app.handle(upgrade)));
    expect(await seenBy(inMemory, 0, app, each)).toEqual(each.expected);
    await app.close();

    const listening = appOf(each);
    const { port } = await listening.listen(0, '127.0.0.1');
    expect(await seenBy(dialRaw, port, listening, each)).toEqual(each.expected);
    await listening.close();
  });
});
