/**
 * What apps do wrong, each as an app of its own, and what became of it. Run as a program under
 * `--unhandled-rejections=strict`: it prints one line of JSON, unless one of them has ended it.
 */
import type { AddressInfo } from 'node:net';
import { WebSocket as Client } from 'ws';
import {
  App,
  ChannelBox,
  consumer,
  LayerError,
  WebSocketConsumer,
  type AppOptions,
  type Logger,
} from '../../src/index.ts';
import { MemoryLayer } from '../../src/layer/memory.ts';
import type { ErrorContext } from '../../src/probe.ts';

export interface Outcome {
  /** Of the socket that met the mistake; 0 where it still serves. */
  readonly code: number;
  readonly context: ErrorContext | undefined;
  readonly error: string;
  readonly stack: string;
  readonly errors: number;
  readonly logFailures: number;
}

interface Mistake {
  readonly options?: AppOptions;
  readonly app?: (app: App) => void;
  /** For the frame `go`. */
  readonly hook?: Hook | undefined;
}

type Hook = (this: WebSocketConsumer, ws: WebSocketConsumer['websocket']) => unknown;

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const untouchable = (): object =>
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('do not look at me');
      },
      getPrototypeOf: () => {
        throw new Error('do not look at me');
      },
    },
  );
const thenThrows = (): PromiseLike<void> => ({
  // oxlint-disable-next-line no-thenable -- that is the case
  then() {
    throw new Error('then throws');
  },
});
const thenReturnsNothing = (): PromiseLike<void> =>
  ({
    // oxlint-disable-next-line no-thenable -- that is the case
    then(done: () => void) {
      setImmediate(done);
      return 5;
    },
  }) as unknown as PromiseLike<void>;
const logs = (write: () => unknown): Logger => ({ debug: write, info: write, warn: write, error: write }) as Logger;
const boom = (): never => {
  throw new Error('boom');
};
const any = (value: unknown): never => value as never;

const schemaOf = (validate: () => unknown): object => ({ '~standard': { version: 1, vendor: 'test', validate } });

/** A consumer whose property is a getter of the app. */
const consumerOf = (getters: Readonly<Record<string, () => unknown>>): Mistake => ({
  app: (app) => {
    class Odd extends WebSocketConsumer {}
    for (const [name, get] of Object.entries(getters)) {
      Object.defineProperty(Odd.prototype, name, { get, set: () => {} });
    }
    class Reading extends Odd {
      constructor() {
        super();
        // Own fields hide what the prototype says.
        for (const name of Object.keys(getters)) delete (this as Record<string, unknown>)[name];
      }
    }
    app.addWsRoute(Reading.asRoute('/x'));
  },
});

export const unawaited: Readonly<Record<string, Hook>> = {
  'broadcast of bytes to a json group': function unawaitedCall() {
    void this.broadcast(Uint8Array.of(1), 'all');
  },
  'send of a BigInt': function unawaitedCall() {
    void this.send(1n);
  },
  'sendTo of a BigInt': function unawaitedCall() {
    void this.sendTo('nobody', 1n);
  },
  'sendJson of a BigInt': function unawaitedCall(ws) {
    void ws.sendJson(1n);
  },
  'sendText of a number': function unawaitedCall(ws) {
    void ws.sendText(any(5));
  },
  'sendBytes of a text': function unawaitedCall(ws) {
    void ws.sendBytes(any('x'));
  },
  'send with something behind it': function unawaitedCall(ws) {
    void ws.sendJson(1n).then(() => 'sent');
  },
  'send with a finally': function unawaitedCall(ws) {
    void ws.sendJson(1n).finally(() => {});
  },
  'join of nothing': function unawaitedCall(ws) {
    void ws.join('');
  },
  'leave of nothing': function unawaitedCall(ws) {
    void ws.leave('');
  },
  'resume from nowhere': function unawaitedCall(ws) {
    void ws.resume('room', { since: any({ epoch: 1 }) });
  },
  'resume whose first fails': function unawaitedCall(ws) {
    void ws.resume('room', { first: boom });
  },
  'setMetadata of a number': function unawaitedCall(ws) {
    void ws.channel.setMetadata(any(5));
  },
  'setMetadata of a revoked Proxy': function unawaitedCall(ws) {
    void ws.channel.setMetadata(any(revoked()));
  },
  'close with a code that nobody may send': function unawaitedCall(ws) {
    void ws.close(1006);
  },
  'close of the channel with a reason that is no text': function unawaitedCall(ws) {
    void ws.channel.close(1000, any(7));
  },
  'a second accept': function unawaitedCall(ws) {
    void ws.accept();
  },
  'deny after the accept': function unawaitedCall(ws) {
    void ws.deny(403);
  },
  'members of nothing': function unawaitedCall() {
    void this.group('');
  },
};

export const unawaitedOfBox: Readonly<Record<string, Hook>> = {
  'groupSend of a BigInt': (ws) => void ws.channelBox.groupSend('room', 1n),
  'showHistory of nothing': (ws) => void ws.channelBox.showHistory(''),
  'flushHistory of nothing': (ws) => void ws.channelBox.flushHistory(''),
  'closeGroup with a code that nobody may send': (ws) => void ws.channelBox.closeGroup('room', { code: 1 }),
  'closeChannel with a code that nobody may send': (ws) => void ws.channelBox.closeChannel('x', { code: 1 }),
  'closeAllConnections with a bad reason': (ws) => void ws.channelBox.closeAllConnections({ reason: any(1) }),
};

export const failing: Readonly<Record<string, Hook>> = {
  'throws a revoked Proxy': () => {
    throw any(revoked()) as Error;
  },
  'throws a Proxy that refuses to be looked at': () => {
    throw any(untouchable()) as Error;
  },
  'throws null': () => {
    throw any(null) as Error;
  },
  'rejects with nothing': () => Promise.reject(any(undefined)),
  'returns a revoked Proxy': revoked,
  'returns a Proxy that refuses to be looked at': untouchable,
  'returns a thenable whose then throws': thenThrows,
  'returns a rejecting promise': () => Promise.reject(new Error('boom')),
};

export const elsewhere: Readonly<Record<string, Mistake>> = {
  'a hook returns a thenable that returns no promise': { hook: thenReturnsNothing },
  'a logger throws': { options: { logger: logs(boom) }, hook: boom },
  'a logger rejects': { options: { logger: logs(() => Promise.reject(new Error('down'))) }, hook: boom },
  'a logger returns a thenable whose then throws': { options: { logger: logs(thenThrows) }, hook: boom },
  'a logger returns a thenable that returns no promise': { options: { logger: logs(thenReturnsNothing) }, hook: boom },
  'a logger returns a revoked Proxy': { options: { logger: logs(revoked) }, hook: boom },
  'onError throws': { options: { onError: boom }, hook: boom },
  'onError rejects': { options: { onError: any(() => Promise.reject(new Error('down'))) }, hook: boom },
  'onError returns a thenable whose then throws': { options: { onError: any(thenThrows) }, hook: boom },
  'onError returns a revoked Proxy': { options: { onError: any(revoked) }, hook: boom },
  'schema is a getter that throws': consumerOf({ schema: boom }),
  'encoding is a getter that throws': consumerOf({ encoding: boom }),
  'schema is a revoked Proxy': consumerOf({ schema: revoked }),
  'schema has a ~standard that throws': consumerOf({
    schema: () => Object.defineProperty({}, '~standard', { get: boom }),
  }),
  'schema answers with a thenable whose then throws': consumerOf({ schema: () => schemaOf(thenThrows) }),
  'schema answers with nothing': consumerOf({ schema: () => schemaOf(() => undefined) }),
  'middleware returns a thenable whose then throws': {
    app: (app) => void app.addWsMiddleware(() => thenThrows()).wsRoute('/x', () => {}),
  },
};

export const ofPeers: Readonly<Record<string, Mistake>> = {
  'receiveJson that nobody awaits': {
    app: (app) =>
      app.wsRoute('/x', async (ws) => {
        await ws.accept();
        void ws.receiveJson();
        await new Promise((resolve) => ws.signal.addEventListener('abort', resolve));
      }),
  },
  'the next of an iterator that nobody awaits': {
    app: (app) =>
      app.wsRoute('/x', async (ws) => {
        await ws.accept();
        void ws.iterJson()[Symbol.asyncIterator]().next();
        await new Promise((resolve) => ws.signal.addEventListener('abort', resolve));
      }),
  },
};

/** A layer whose broker is gone. */
class GoneLayer extends MemoryLayer {
  override publish(): never {
    return this.#gone() as never;
  }

  override members(): never {
    return this.#gone() as never;
  }

  override send(): never {
    return this.#gone() as never;
  }

  async #gone(): Promise<void> {
    await new Promise(setImmediate);
    throw new LayerError('CHANNELBOX_LAYER_DEADLINE', 'nobody answered');
  }
}

const overGoneLayer = (hook: Hook): Mistake => ({
  options: { channelBox: new ChannelBox({ layer: new GoneLayer() }) },
  hook,
});

export const ofLayer: Readonly<Record<string, () => Mistake>> = {
  broadcast: () =>
    overGoneLayer(function unawaitedCall() {
      void this.broadcast('x', 'all');
    }),
  sendTo: () =>
    overGoneLayer(function unawaitedCall() {
      void this.sendTo('somebody', 'x');
    }),
  group: () =>
    overGoneLayer(function unawaitedCall() {
      void this.group('all').then(() => {});
    }),
};

const patience = 20_000;

/** One mistake, met by a socket of its own on a port of its own. */
export async function meet({ options = {}, hook, app: prepare }: Mistake): Promise<Outcome> {
  let context: ErrorContext | undefined;
  let error: unknown;
  const app = new App({
    logger: logs(() => {}),
    onError: (seen, where) => {
      error = seen;
      context = where;
    },
    ...options,
  });
  if (prepare !== undefined) prepare(app);
  else {
    app.addWsRoute(
      consumer('/x', {
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup('all');
        },
        onReceive(ws, data) {
          return data === 'go' ? hook?.call(this as unknown as WebSocketConsumer, ws) : this.send(data);
        },
      }),
    );
  }
  const { port } = (await app.listen(0, '127.0.0.1')) as AddressInfo;
  const code = await new Promise<number>((resolve, reject) => {
    const client = new Client(`ws://127.0.0.1:${port}/x`);
    const timer = setTimeout(() => reject(new Error('neither served nor closed')), patience);
    client.on('error', reject);
    client.on('unexpected-response', (_request, { statusCode = 0 }) => {
      clearTimeout(timer);
      client.terminate();
      resolve(statusCode);
    });
    client.on('open', () => {
      client.send('go');
      client.send('still here');
    });
    // What still serves two turns later has come through it.
    client.on('message', () => setImmediate(() => setImmediate(() => client.close(4000))));
    client.on('close', (closed) => {
      clearTimeout(timer);
      resolve(closed === 4000 ? 0 : closed);
    });
  });
  await app.close();
  const { errors, logFailures } = app.inspect().counters;
  return {
    code,
    context,
    error: described(() => (error as { code?: string }).code ?? (error as Error).message),
    stack: described(() => (error as Error).stack),
    errors,
    logFailures,
  };
}

function described(look: () => unknown): string {
  try {
    return String(look());
  } catch {
    return 'refuses to be looked at';
  }
}
