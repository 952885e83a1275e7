/** What Nexios's routing/websocket.py, websockets/errors.py and testclient get wrong, and channelbox does not. */
import {
  App,
  consumer,
  RouteError,
  WebsocketRoutes,
  WSRouter,
  type AppOptions,
  type Handler,
  type Middleware,
  type WebSocket,
} from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const accept: Handler = (ws) => ws.accept();
/** Says which route took the connection, and with which params. */
const tell =
  (name: string): Handler =>
  async (ws, params) => {
    await ws.accept();
    await ws.sendJson({ name, params });
  };

function witness(): { seen: string[]; passing: (name: string) => Middleware } {
  const seen: string[] = [];
  const passing = (name: string): Middleware => {
    return async (_ws, next) => {
      seen.push(name);
      await next();
      seen.push(`/${name}`);
    };
  };
  return { seen, passing };
}

describe('routing/websocket.py', () => {
  test('the middleware of a route runs, and so does what a router was made with', async () => {
    const { seen, passing } = witness();
    const router = new WSRouter({
      middleware: [passing('router')],
      routes: [new WebsocketRoutes('/x', accept, { middleware: [passing('route')] })],
    });
    await using t = testApp(new App().mountWsRouter(router));

    await t.connect('/x');

    expect(seen).toEqual(['router', 'route', '/route', '/router']);
  });

  test('app and router wrap in one order: the first added is the outermost', async () => {
    const { seen, passing } = witness();
    const router = new WSRouter().wsRoute('/x', accept);
    router.addWsMiddleware(passing('router 1')).addWsMiddleware(passing('router 2'));
    const app = new App().mountWsRouter(router).addWsMiddleware(passing('app 1')).addWsMiddleware(passing('app 2'));
    await using t = testApp(app);

    await t.connect('/x');

    expect(seen.slice(0, 4)).toEqual(['app 1', 'app 2', 'router 1', 'router 2']);
  });

  test('middleware is a function of the socket and the next, as documented', async () => {
    const documented = async (ws: WebSocket, callNext: () => Promise<void>): Promise<void> => {
      if (ws.queryParams.has('token')) await callNext();
    };
    await using t = testApp(new App().addWsMiddleware(documented).wsRoute('/x', accept));

    expect(await t.handshake('/x?token=1')).toMatchObject({ kind: 'accepted' });
    expect(await t.handshake('/x')).toMatchObject({ status: 403, by: 'middleware' });
  });

  test('a router mounts without a prefix', async () => {
    await using t = testApp(new App().mountWsRouter(new WSRouter().wsRoute('/x', accept)));

    expect(await t.handshake('/x')).toMatchObject({ kind: 'accepted' });
  });

  test('two routers share a prefix, and neither replaces the other', async () => {
    const first = new WSRouter({ prefix: '/api' }).wsRoute('/a', accept);
    const second = new WSRouter({ prefix: '/api' }).wsRoute('/b', accept);
    await using t = testApp(new App().mountWsRouter(first).mountWsRouter(second));

    expect(await t.handshake('/api/a')).toMatchObject({ kind: 'accepted' });
    expect(await t.handshake('/api/b')).toMatchObject({ kind: 'accepted' });
  });

  test('a prefix takes whole segments: /api leaves /apix alone', async () => {
    const api = new WSRouter({ prefix: '/api' }).wsRoute('/{rest:path}', tell('api'));
    const apix = new WSRouter({ prefix: '/apix' }).wsRoute('/y', tell('apix'));
    await using t = testApp(new App().mountWsRouter(api).mountWsRouter(apix));

    const ann = await t.connect('/apix/y');

    await ann.expect({ name: 'apix', params: {} });
    expect(await t.handshake('/apiz')).toMatchObject({ status: 404 });
  });

  test('a prefix is taken off once: /api/api/x is /api/x inside /api', async () => {
    const router = new WSRouter({ prefix: '/api' }).wsRoute('/api/x', accept);
    await using t = testApp(new App().mountWsRouter(router));

    expect(await t.handshake('/api/api/x')).toMatchObject({ kind: 'accepted' });
    expect(await t.handshake('/api/x')).toMatchObject({ status: 404 });
  });

  test('params of the prefix and of the route are merged, and cannot be changed', async () => {
    const router = new WSRouter({ prefix: '/org/{org}' }).wsRoute('/room/{room:int}', async (ws, params) => {
      await ws.accept();
      await ws.sendJson({ params, scope: ws.scope.pathParams, frozen: Object.isFrozen(params), path: ws.scope.path });
    });
    await using t = testApp(new App().mountWsRouter(router));

    const ann = await t.connect('/org/acme/room/7');

    const params = { org: 'acme', room: 7 };
    await ann.expect({ params, scope: params, frozen: true, path: '/org/acme/room/7' });
  });

  test('an inner param cannot replace an outer one: the same name twice throws', () => {
    const router = new WSRouter({ prefix: '/{id}' });

    expect(() => router.wsRoute('/item/{id}', accept)).toThrow(RouteError);
  });

  test('the most specific route wins, whatever the order', async () => {
    const app = new App().wsRoute('/room/{name}', tell('any')).wsRoute('/room/lobby', tell('lobby'));
    await using t = testApp(app);

    const ann = await t.connect('/room/lobby');

    await ann.expect({ name: 'lobby', params: {} });
  });

  test('a path without a route is HTTP 404, not a close code', async () => {
    await using t = testApp(new App());

    expect(await t.handshake('/nowhere')).toMatchObject({ kind: 'denied', status: 404, by: 'route' });
  });

  test('addWsRoute takes a path and a handler', async () => {
    await using t = testApp(new App().addWsRoute('/p', accept));

    expect(await t.handshake('/p')).toMatchObject({ kind: 'accepted' });
  });

  test.each([
    ['a path alone', (app: App) => Reflect.apply(app.addWsRoute, app, ['/p'])],
    ['an instance', (app: App) => Reflect.apply(app.addWsRoute, app, [new (class Controller {})()])],
    ['a handler that is none', (app: App) => Reflect.apply(app.addWsRoute, app, ['/p', 'handler'])],
  ])('what cannot be a route fails when it is added: %s', (_what, add) => {
    expect(() => add(new App())).toThrow(RouteError);
  });

  test('a handler receives the parameters of its path', async () => {
    await using t = testApp(new App().wsRoute('/room/{name}', tell('room')));

    const ann = await t.connect('/room/lobby');

    await ann.expect({ name: 'room', params: { name: 'lobby' } });
  });

  test("a trailing slash matches, and a router's / is its own prefix", async () => {
    const router = new WSRouter({ prefix: '/api' }).wsRoute('/', accept);
    await using t = testApp(new App().wsRoute('/h', accept).mountWsRouter(router));

    for (const path of ['/h', '/h/', '/api', '/api/']) {
      expect(await t.handshake(path)).toMatchObject({ kind: 'accepted' });
    }
  });

  test('with strict a trailing slash makes another path', async () => {
    await using t = testApp(new App({ strict: true }).wsRoute('/h', accept));

    expect(await t.handshake('/h/')).toMatchObject({ status: 404 });
  });
});

describe('websockets/errors.py', () => {
  function listening(): { lines: string[]; options: AppOptions } {
    const lines: string[] = [];
    const log = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
    const logger = { debug: () => {}, info: log('info'), warn: log('warn'), error: log('error') };
    return { lines, options: { logger, onError: () => lines.push('onError') } };
  }

  test.each([
    ['closes', 'memory'],
    ['vanishes', 'memory'],
    ['closes', 'tcp'],
    ['vanishes', 'tcp'],
  ] as const)('a client that %s is no error: nothing is logged above debug (%s)', async (how, transport) => {
    const { lines, options } = listening();
    const app = new App(options).wsRoute('/x', async (ws) => {
      await ws.accept();
      await ws.receiveText();
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/x');

    if (how === 'closes') await ann.close(1001);
    else ann.drop();
    await t.settle();

    expect(lines).toEqual([]);
    expect(app.inspect().connections).toBe(0);
  });

  test('a disconnect that escapes the loop of a consumer is no error either', async () => {
    const { lines, options } = listening();
    const app = new App(options).addWsRoute(
      consumer('/x', {
        async onReceive(ws) {
          while (true) await ws.sendText(await ws.receiveText());
        },
        onDisconnect: (_ws, code) => lines.push(`onDisconnect ${code}`),
      }),
    );
    await using t = testApp(app);
    const ann = await t.connect('/x');
    ann.sendText('begin');
    ann.sendText('one');
    await ann.expect('one');

    await ann.close(1001);

    expect(lines).toEqual(['onDisconnect 1001']);
  });

  test('an error of the handler closes with 1011, and is told with its route', async () => {
    const { lines, options } = listening();
    const app = new App(options).wsRoute('/x', async (ws) => {
      await ws.accept();
      throw new RangeError('planted');
    });
    await using t = testApp(app);
    const ann = await t.connect('/x');

    await ann.expectClosed({ code: 1011 });

    expect(lines).toEqual(['error: a handler failed', 'onError']);
  });
});

describe('testclient', () => {
  test('a wait for what never comes ends at once, and costs no time', async () => {
    await using t = testApp(
      new App().wsRoute('/x', async (ws) => {
        await ws.accept();
        await ws.receive();
      }),
    );
    const ann = await t.connect('/x');

    await expect(ann.receiveText()).rejects.toThrow('receiveText');

    expect(t.clock.monotonic()).toBe(0);
  });

  test('a wait with a bound ends at it', async () => {
    await using t = testApp(
      new App().wsRoute('/x', async (ws) => {
        await ws.accept();
        await ws.app.clock.sleep(5_000);
        await ws.sendText('late');
      }),
    );
    const ann = await t.connect('/x');

    await expect(ann.receiveText({ within: '4s' })).rejects.toThrow('receiveText');

    expect(t.clock.monotonic()).toBe(4_000);
    await ann.expect('late', { within: '1s' });
  });
});
