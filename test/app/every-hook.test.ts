import { ChannelBox, consumer, rateLimit, type App, type ConsumerHooks, type StandardSchemaV1 } from 'channelbox';
import { describe, test } from 'vitest';
import { Arena, type ArenaOptions } from '../hostile/arena.ts';
import { text } from '../hostile/frames.ts';
import { handshake } from '../hostile/raw-client.ts';
import { turn } from '../manual-clock.ts';

type Anything = () => never;

const boom = (): never => {
  throw new Error('planted');
};
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const untouchable = (): object =>
  new Proxy({}, Object.fromEntries(['get', 'has', 'getPrototypeOf', 'ownKeys'].map((trap) => [trap, boom])));

/** How a function of the app may go wrong. */
const ways: Readonly<Record<string, () => unknown>> = {
  throws: boom,
  'throws nothing at all': () => {
    // oxlint-disable-next-line only-throw-error -- that is the case
    throw undefined;
  },
  'throws a revoked Proxy': () => {
    throw revoked() as Error;
  },
  rejects: () => Promise.reject(new Error('planted')),
  'rejects later': async () => {
    await turn();
    boom();
  },
  'rejects with a Proxy that refuses to be looked at': () => Promise.reject(untouchable() as Error),
  'returns a thenable whose then throws': () => ({
    // oxlint-disable-next-line no-thenable -- that is the case
    then: boom,
  }),
  'returns a thenable that rejects': () => ({
    // oxlint-disable-next-line no-thenable -- that is the case
    then: (_resolve: unknown, reject: (error: Error) => void) => reject(new Error('planted')),
  }),
  // oxlint-disable-next-line no-thenable -- that is the case
  'returns a thenable whose then is a getter that throws': () => Object.defineProperty({}, 'then', { get: boom }),
  'returns a revoked Proxy': revoked,
  'returns a Proxy that refuses to be looked at': untouchable,
};

const schemaOf = (validate: Anything): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'test', validate },
});
const hooked = (hooks: object) => (app: App) =>
  void app.addWsRoute(consumer('/attacked', { encoding: 'json', ...hooks } as ConsumerHooks<unknown, object>));

/** Where an app's own functions are called from, each with `fault` in its place. */
const places: Readonly<Record<string, (fault: Anything) => ArenaOptions>> = {
  'a handler': (fault) => ({ routes: (app) => void app.wsRoute('/attacked', fault) }),
  'a handler after its accept': (fault) => ({
    routes: (app) =>
      void app.wsRoute('/attacked', async (ws) => {
        await ws.accept();
        await (fault as () => unknown)();
      }),
  }),
  'a middleware': (fault) => ({ routes: hooked({ middleware: [fault] }) }),
  onConnect: (fault) => ({ routes: hooked({ onConnect: fault }) }),
  onReceive: (fault) => ({ routes: hooked({ onReceive: fault }) }),
  onInvalid: (fault) => ({
    routes: hooked({ schema: schemaOf((() => ({ issues: [] })) as Anything), onInvalid: fault }),
  }),
  onDisconnect: (fault) => ({ routes: hooked({ onDisconnect: fault }) }),
  'a schema': (fault) => ({ routes: hooked({ schema: schemaOf(fault), onReceive() {} }) }),
  onError: (fault) => ({ routes: hooked({ onReceive: boom }), onError: fault }),
  'a logger': (fault) => ({
    routes: hooked({ onReceive: boom }),
    logger: { debug: fault, info: fault, warn: fault, error: fault },
  }),
  'the key of a rate limit': (fault) => ({
    routes: hooked({ middleware: [rateLimit({ per: fault, messages: 1, perMs: 1_000 })], onReceive() {} }),
  }),
  'the frame of a box': (fault) => ({
    channelBox: new ChannelBox({ frame: fault }),
    routes: (app) =>
      hooked({
        onReceive: () => app.channelBox.groupSend('room', 'x', { saveHistory: true }),
      })(app),
  }),
  trustProxy: (fault) => ({
    trustProxy: (address) => address !== '127.0.0.1' && (fault as () => boolean)(),
    routes: hooked({}),
  }),
};

describe.each(Object.entries(places))('where %s', (_place, place) => {
  test.each(Object.entries(ways))('%s, nobody else is harmed and nothing stays', async (_way, fault) => {
    await using arena = await Arena.open(place(fault as Anything));
    const client = await arena.raw();

    client.write(handshake('GET /attacked HTTP/1.1', { 'X-Forwarded-For': '203.0.113.7' }), text('{}'), text('{}'));
    await client.answer();
    await turn(5);
    client.socket.end();

    await arena.expectUndisturbed();
  });

  test('is a getter that throws, nobody else is harmed and nothing stays', async () => {
    // A fault at registration is the app's own to see; what passes it harms one socket at most.
    const options = (): ArenaOptions => {
      const bag: Record<string, unknown> = {};
      Object.defineProperty(bag, 'fault', { enumerable: true, get: boom });
      return place((() => (bag['fault'] as Anything)()) as Anything);
    };
    await using arena = await Arena.open(options());
    const client = await arena.raw();
    client.write(handshake('GET /attacked HTTP/1.1'), text('{}'));
    await client.answer();
    await turn(5);
    client.socket.end();
    await arena.expectUndisturbed();
  });
});

test.each(['onConnect', 'onReceive', 'onInvalid', 'onDisconnect', 'encoding', 'schema', 'expires'])(
  'hooks of which %s is a getter that throws are refused as they are registered, or harm one socket',
  async (name) => {
    const routes = (app: App): void => {
      const hooks = Object.defineProperty({ encoding: 'json' }, name, { enumerable: true, get: boom });
      try {
        app.addWsRoute(consumer('/attacked', hooks as ConsumerHooks<unknown, object>));
      } catch {
        hooked({})(app);
      }
    };
    await using arena = await Arena.open({ routes });
    const client = await arena.raw();
    client.write(handshake('GET /attacked HTTP/1.1'), text('{}'));
    await client.answer();
    await turn(5);
    client.socket.end();
    await arena.expectUndisturbed();
  },
);
