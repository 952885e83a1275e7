import {
  App,
  consumer,
  HandshakeError,
  WebSocketConsumer,
  type AppOptions,
  type Handler,
  type Middleware,
} from 'channelbox';
import { testApp, type TestApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const teapot = (): Response => new Response('short and stout', { status: 418, headers: { 'X-Kind': 'pot' } });
/** Throws whatever it is given. */
function fail(value: unknown): never {
  throw value;
}

const passOn: Middleware = (_ws, next) => next();

/** Each way in which an app's code can give an answer, before it has accepted. */
const ways: Readonly<Record<string, (answer: () => unknown) => Middleware[] | Handler | 'consumer' | 'class'>> = {
  'returned by a handler': (answer) => answer as Handler,
  'returned later by a handler': (answer) => async () => answer(),
  'thrown by a handler': (answer) => () => {
    throw answer();
  },
  'thrown later by a handler': (answer) => async () => {
    throw answer();
  },
  'returned by a middleware': (answer) => [passOn, answer as Middleware],
  'thrown later by a middleware': (answer) => [
    async () => {
      throw answer();
    },
  ],
  'returned by onConnect': () => 'consumer',
  'thrown by onConnect of a class': () => 'class',
};

function appWith(way: string, answer: () => unknown, options: AppOptions, isInside: boolean): App {
  const app = new App(options);
  if (isInside) app.addWsMiddleware(passOn);
  const made = ways[way]?.(answer);
  if (made === 'consumer') return app.addWsRoute(consumer('/', { onConnect: answer }));
  if (made === 'class') {
    class Throwing extends WebSocketConsumer {
      override onConnect(): void {
        throw answer();
      }
    }
    return app.consumer('/', Throwing);
  }
  if (typeof made === 'function') return app.wsRoute('/', made);
  for (const middleware of made ?? []) app.addWsMiddleware(middleware);
  return app.wsRoute('/', (ws) => ws.accept());
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe.each(['memory', 'tcp'] as const)('a Response before the accept, over %s', (transport) => {
  describe.each([false, true])('inside a middleware: %s', (isInside) => {
    test.each(Object.keys(ways))('%s is the answer', async (way) => {
      const errors: unknown[] = [];
      const options = { logger: quiet, onError: (error: unknown) => void errors.push(error) };
      await using t = testApp(appWith(way, teapot, options, isInside), { transport });
      const answer = await t.handshake('/');
      expect(answer).toMatchObject({ status: 418, body: 'short and stout' });
      expect('headers' in answer && answer.headers.get('x-kind')).toBe('pot');
      expect(errors).toEqual([]);
    });

    test.each(Object.keys(ways))(
      '%s, of a status that refuses nothing, is 500 and an error of the app',
      async (way) => {
        const errors: unknown[] = [];
        const options = { logger: quiet, onError: (error: unknown) => void errors.push(error) };
        await using t: TestApp = testApp(
          appWith(way, () => new Response('fine'), options, isInside),
          { transport },
        );
        expect(await t.handshake('/')).toMatchObject({ status: 500 });
        expect(errors).toEqual([expect.any(HandshakeError)]);
        expect(errors[0]).toMatchObject({ code: 'CHANNELBOX_DENY_STATUS' });
      },
    );
  });

  test('made by another package is one too', async () => {
    const foreign = { status: 410, headers: new Headers({ 'X-Of': 'elsewhere' }), [Symbol.toStringTag]: 'Response' };
    const body = {
      body: null,
      bodyUsed: false,
      statusText: '',
      text: async () => '',
      arrayBuffer: async () => new ArrayBuffer(0),
    };
    const app = new App().wsRoute('/', () => ({ ...foreign, ...body }));
    await using t = testApp(app, { transport });
    expect(await t.handshake('/')).toMatchObject({ status: 410 });
  });

  test('after the accept is nothing, returned or thrown', async () => {
    const errors: unknown[] = [];
    const app = new App({ logger: quiet, onError: (error) => void errors.push(error) });
    app.wsRoute('/returns', async (ws) => {
      await ws.accept();
      return teapot();
    });
    app.wsRoute('/throws', async (ws) => {
      await ws.accept();
      fail(teapot());
    });
    app.consumer('/consumer', {
      async onReceive() {
        fail(teapot());
      },
    });
    await using t = testApp(app, { transport });
    for (const path of ['/returns', '/throws']) await (await t.connect(path)).expectClosed({ code: 1000 });
    const ann = await t.connect('/consumer');
    ann.send('1');
    await ann.expectNothing();
    expect(ann.isOpen).toBe(true);
    expect(errors).toEqual([]);
  });

  test('that a middleware further out catches is that one’s to answer', async () => {
    const app = new App().addWsMiddleware(async (ws, next) => {
      try {
        await next();
      } catch (error) {
        await ws.deny((error as Response).status === 418 ? 451 : 500);
      }
    });
    app.wsRoute('/', () => {
      fail(teapot());
    });
    await using t = testApp(app, { transport });
    expect(await t.handshake('/')).toMatchObject({ status: 451 });
  });
});

describe.each(['memory', 'tcp'] as const)('ws.request, over %s', (transport) => {
  test('is Node’s own until the accept, with what the client sent, and is let go of with it', async () => {
    const seen: unknown[] = [];
    const app = new App({ origins: '*' }).addWsMiddleware(async (ws, next) => {
      const { request } = ws;
      seen.push(request?.method, request?.url, request?.headers.cookie, request?.headers.host !== undefined);
      seen.push(request?.rawHeaders.includes('Cookie'), typeof request?.socket.remoteAddress, ws.request === request);
      Object.assign(request ?? {}, { session: { user: 'ann' } });
      await next();
    });
    app.wsRoute('/room', async (ws) => {
      seen.push((ws.request as unknown as { session: unknown }).session);
      await ws.accept();
      seen.push(ws.request);
    });
    app.wsRoute('/denied', async (ws) => {
      await ws.deny(403);
      seen.push(ws.request);
    });
    await using t = testApp(app, { transport });
    await t.connect('/room?a=1', { headers: { Cookie: 'sid=7' } });
    await t.settle();
    const session = { user: 'ann' };
    expect(seen).toEqual(['GET', '/room?a=1', 'sid=7', true, true, 'string', true, session, undefined]);
    seen.length = 0;
    await t.handshake('/denied');
    expect(seen.at(-1)).toBeUndefined();
  });
});
