import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { RouteError } from '../../src/errors.ts';
import type { Handler, Middleware, WebSocket } from '../../src/handler.ts';
import { WebsocketRoutes } from '../../src/router/route.ts';
import { WSRouter } from '../../src/router/router.ts';
import { RouteTable } from '../../src/router/table.ts';

const idle = (): void => {};
const ws = {} as WebSocket;
const tableOf = (...mounts: readonly (WSRouter<string> | readonly [WSRouter<string>, string])[]): RouteTable => {
  const table = new RouteTable();
  for (const mount of mounts) {
    const [router, prefix] = mount instanceof WSRouter ? [mount] : mount;
    table.mount(router, prefix);
  }
  return table;
};
const pathAt = (table: RouteTable, path: string): string | undefined => table.match(path)?.destination.path;
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(RouteError);
    return (error as RouteError).code;
  }
  return undefined;
};

describe('a router', () => {
  test('takes an options object, a list of routes, or nothing', () => {
    const route = new WebsocketRoutes('/x', idle);
    expect(pathAt(tableOf(new WSRouter([route])), '/x')).toBe('/x');
    expect(pathAt(tableOf(new WSRouter({ prefix: '/ws', routes: [route] })), '/ws/x')).toBe('/ws/x');
    expect(pathAt(tableOf(new WSRouter().addWsRoute(route)), '/x')).toBe('/x');
  });

  test('adds by every name, and gives itself back', () => {
    const router = new WSRouter({ prefix: '/ws' });
    const added = router
      .wsRoute('/a', idle)
      .wsRoute('/b', { name: 'the b', limits: { inboundQueue: 1 } }, idle)
      .websocketRoute('/c', idle)
      .addWsRoute('/d', idle)
      .addWsRoute(new WebsocketRoutes('/e', idle, { name: 'the e' }))
      .addWsMiddleware((_ws, next) => next())
      .mountRouter(new WSRouter().wsRoute('/f', idle));
    expect(added).toBe(router);
    const table = tableOf(router);
    for (const name of 'abcdef') expect(pathAt(table, `/ws/${name}`)).toBe(`/ws/${name}`);
    expect(table.match('/ws/b')?.destination).toMatchObject({ name: 'the b', limits: { inboundQueue: 1 } });
    expect(table.match('/ws/e')?.destination.name).toBe('the e');
    expect(table.match('/ws/a')?.destination.name).toBeUndefined();
  });

  test('merges the params of its prefixes and its path', () => {
    const rooms = new WSRouter({ prefix: '/room/{room}' }).wsRoute('/seat/{seat:int}', idle);
    const organisations = new WSRouter({ prefix: '/org/{org:int}' }).mountRouter(rooms, '/floor/{floor:slug}');
    const found = tableOf([organisations, '/v{version:int}/{tenant}']).match('/v2/acme/floor/one/room/a%20b/seat/7');
    expect(found?.params).toEqual({ version: 2, tenant: 'acme', floor: 'one', room: 'a b', seat: 7 });
  });

  test('may be filled after it is mounted, at any depth, with routes, middleware and mounts in any order', async () => {
    const log: string[] = [];
    const [outer, inner] = [new WSRouter({ prefix: '/o' }), new WSRouter({ prefix: '/i' })];
    const table = tableOf(outer);
    outer.mountRouter(inner);
    inner.wsRoute('/x', () => log.push('handler'));
    inner.addWsMiddleware((_ws, next) => (log.push('inner'), next()));
    outer.addWsMiddleware((_ws, next) => (log.push('outer'), next()));
    await table.match('/o/i/x')?.destination.run(ws, {});
    expect(log).toEqual(['outer', 'inner', 'handler']);
  });

  test('mounts without a prefix, and two share one', () => {
    const table = tableOf(
      new WSRouter().wsRoute('/a', idle),
      new WSRouter().wsRoute('/b', idle),
      new WSRouter({ prefix: '/ws' }).wsRoute('/a', idle),
      new WSRouter({ prefix: '/ws' }).wsRoute('/b', idle),
    );
    for (const path of ['/a', '/b', '/ws/a', '/ws/b']) expect(pathAt(table, path)).toBe(path);
  });

  test('never takes a longer segment than its prefix, nor its prefix twice', () => {
    const table = tableOf(new WSRouter({ prefix: '/api' }).wsRoute('/x', idle).wsRoute('', idle));
    for (const path of ['/apix', '/apix/x', '/api/api/x', '/x']) expect(table.match(path)).toBeUndefined();
  });

  test.each(['', '/'])('answers at its own prefix with the path %j', (path) => {
    const table = tableOf(new WSRouter({ prefix: '/ws' }).wsRoute(path, idle));
    expect(table.match('/ws')).toBeDefined();
    expect(table.match('/ws/')).toBeDefined();
  });

  test.each(['', '/'])('answers at the root with the prefix %j', (prefix) => {
    for (const path of ['', '/']) expect(pathAt(tableOf(new WSRouter({ prefix }).wsRoute(path, idle)), '/')).toBe('/');
  });

  test('may end its prefix with a slash', () => {
    expect(pathAt(tableOf(new WSRouter({ prefix: '/ws/' }).wsRoute('/a', idle)), '/ws/a')).toBe('/ws/a');
  });
});

describe('a prefix given with the mount', () => {
  const router = (): WSRouter<string> => new WSRouter({ prefix: '/own' }).wsRoute('/x', idle);

  test("replaces the router's own in the app", () => {
    const table = tableOf([router(), '/given']);
    expect(pathAt(table, '/given/x')).toBe('/given/x');
    for (const path of ['/own/x', '/given/own/x', '/x']) expect(table.match(path)).toBeUndefined();
  });

  test('of no length leaves none in the app', () => {
    expect(pathAt(tableOf([router(), '']), '/x')).toBe('/x');
  });

  test("comes before the router's own in a router", () => {
    const table = tableOf(new WSRouter({ prefix: '/outer' }).mountRouter(router(), '/given'));
    expect(pathAt(table, '/outer/given/own/x')).toBe('/outer/given/own/x');
  });

  test("replaces only the router's own, not those of the routers in it", () => {
    const table = tableOf([new WSRouter({ prefix: '/outer' }).mountRouter(router()), '/given']);
    expect(pathAt(table, '/given/own/x')).toBe('/given/own/x');
  });
});

describe('middleware', () => {
  const writing =
    (log: string[], name: string): Middleware =>
    async (_ws, next) => {
      log.push(name);
      await next();
      log.push(`/${name}`);
    };

  test('runs app → router → inner router → route, the first added outermost', async () => {
    const log: string[] = [];
    const inner = new WSRouter({ middleware: [writing(log, 'i1')] }).addWsMiddleware(writing(log, 'i2'));
    inner.wsRoute('/x', { middleware: [writing(log, 'r1'), writing(log, 'r2')] }, () => log.push('handler'));
    const outer = new WSRouter({ middleware: [writing(log, 'o1')] })
      .mountRouter(inner)
      .addWsMiddleware(writing(log, 'o2'));
    const table = tableOf(outer);
    table.addMiddleware(writing(log, 'a1'));
    table.addMiddleware(writing(log, 'a2'));
    await table.match('/x')?.destination.run(ws, {});
    const inwards = ['a1', 'a2', 'o1', 'o2', 'i1', 'i2', 'r1', 'r2'];
    expect(log).toEqual([...inwards, 'handler', ...inwards.map((name) => `/${name}`).reverse()]);
  });

  test('is that of the place where a router mounted twice was reached', async () => {
    const log: string[] = [];
    const shared = new WSRouter({ middleware: [writing(log, 'shared')] }).wsRoute('/x', idle);
    const one = new WSRouter({ prefix: '/one', middleware: [writing(log, 'one')] }).mountRouter(shared);
    const two = new WSRouter({ prefix: '/two', middleware: [writing(log, 'two')] }).mountRouter(shared);
    const table = tableOf(one, two);
    await table.match('/two/x')?.destination.run(ws, {});
    expect(log).toEqual(['two', 'shared', '/shared', '/two']);
  });

  test("of one router is not another's that shares its prefix", async () => {
    const log: string[] = [];
    const guarded = new WSRouter({ prefix: '/ws', middleware: [writing(log, 'guard')] }).wsRoute('/a', idle);
    const open = new WSRouter({ prefix: '/ws' }).wsRoute('/b', idle);
    await tableOf(guarded, open).match('/ws/b')?.destination.run(ws, {});
    expect(log).toEqual([]);
  });

  test('is put together once a route, and a route without any runs its bare handler', () => {
    const table = tableOf(
      new WSRouter().wsRoute('/bare', idle).wsRoute('/x', { middleware: [(_ws, next) => next()] }, idle),
    );
    expect(table.match('/bare')?.destination.run).toBe(idle);
    expect(table.match('/x')?.destination).toBe(table.match('/x')?.destination);
  });

  test('lists are copied: changing one later changes nothing', async () => {
    const log: string[] = [];
    const list: Middleware[] = [];
    const table = tableOf(
      new WSRouter({ middleware: list }).addWsRoute(new WebsocketRoutes('/x', idle, { middleware: list })),
    );
    list.push(writing(log, 'late'));
    await table.match('/x')?.destination.run(ws, {});
    expect(log).toEqual([]);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /got undefined/],
    [class Guard {}, /got the class Guard/],
    [{ call: idle }, /got an object of Object/],
  ])('that is %s is refused wherever it is given', (middleware, message) => {
    const wrong = middleware as Middleware;
    for (const act of [
      () => new WSRouter().addWsMiddleware(wrong),
      () => new WSRouter({ middleware: [wrong] }),
      () => new WSRouter().wsRoute('/x', { middleware: [wrong] }, idle),
      () => new RouteTable().addMiddleware(wrong),
    ]) {
      expect(codeOf(act)).toBe('CHANNELBOX_BAD_MIDDLEWARE');
      expect(act).toThrow(message);
    }
    expect(codeOf(() => new WSRouter({ middleware: idle as never }))).toBe('CHANNELBOX_BAD_MIDDLEWARE');
  });
});

describe('a handler that cannot be run fails when it is registered', () => {
  class Chat {
    static asRoute(path: string): WebsocketRoutes {
      return new WebsocketRoutes<string>(path, idle);
    }
    onConnect(): void {}
  }
  class Later extends Chat {}
  class Bare {}
  class Hooked {
    onReceive(): void {}
  }
  function Old(): void {}
  Old.prototype.onReceive = idle;

  test.each<[string, unknown, RegExp]>([
    ['a consumer class', Chat, /the class Chat;.*add Chat\.asRoute\('\/x'\)/],
    ['a subclass of one', Later, /add Later\.asRoute\('\/x'\)/],
    ['a class with hooks', Hooked, /Hooked\.asRoute\('\/x'\)/],
    ['a class as older compilers write it', Old, /Old\.asRoute\('\/x'\)/],
    ['any other class', Bare, /the class Bare;.*\.asRoute\('\/x'\)/],
    ['an instance', new Chat(), /an instance with hooks.*Chat\.asRoute\('\/x'\)/],
    ['an object with hooks', { onReceive: idle }, /consumer\('\/x'.*\.asRoute\(path\)/],
    ['a route', Chat.asRoute('/x'), /an object of WebsocketRoutes/],
    ['nothing', undefined, /undefined; is its import there/],
    ['null', null, /is null/],
    ['a string', 'chat', /a string/],
  ])('%s', (_what, handler, message) => {
    const wrong = handler as Handler;
    for (const act of [
      () => new WebsocketRoutes('/x', wrong),
      () => new WSRouter().wsRoute('/x', wrong),
      () => new WSRouter().wsRoute('/x', {}, wrong),
      () => new WSRouter().websocketRoute('/x', wrong),
      () => new WSRouter().addWsRoute('/x', wrong),
    ]) {
      expect(codeOf(act)).toBe('CHANNELBOX_BAD_HANDLER');
      expect(act).toThrow(message);
    }
  });

  test('a path without a handler', () => {
    expect(codeOf(() => (new WSRouter() as unknown as { wsRoute(path: string): void }).wsRoute('/x'))).toBe(
      'CHANNELBOX_BAD_HANDLER',
    );
  });

  test('options behind the handler', () => {
    const act = (): unknown => new WSRouter().wsRoute('/x', idle as never, {} as never);
    expect(codeOf(act)).toBe('CHANNELBOX_BAD_ROUTE');
    expect(act).toThrow(/takes them before the handler/);
  });

  test('something else where a route is due', () => {
    for (const wrong of [undefined, Chat, idle, { path: '/x' }]) {
      expect(codeOf(() => new WSRouter().addWsRoute(wrong as never))).toBe('CHANNELBOX_BAD_ROUTE');
      expect(codeOf(() => new WSRouter([wrong as never]))).toBe('CHANNELBOX_BAD_ROUTE');
      expect(codeOf(() => new RouteTable().addRoute(wrong as never))).toBe('CHANNELBOX_BAD_ROUTE');
    }
  });
});

describe('a bad path fails when it is registered', () => {
  test.each(['x', '/{a', '/{a:number}', '/a//b'])('%j, as a path and as a prefix', (path) => {
    for (const act of [
      () => new WSRouter().wsRoute(path, idle),
      () => new WSRouter().addWsRoute(path, idle),
      () => new WebsocketRoutes(path, idle),
      () => new WSRouter({ prefix: path }),
      () => new WSRouter().mountRouter(new WSRouter(), path),
      () => new RouteTable().mount(new WSRouter(), path),
    ]) {
      expect(codeOf(act)).toBe('CHANNELBOX_BAD_PATH');
    }
  });

  test('the empty path has no place in the app', () => {
    expect(codeOf(() => new RouteTable().addRoute(new WebsocketRoutes('', idle)))).toBe('CHANNELBOX_BAD_PATH');
  });

  test('what takes the rest has nothing behind it, prefixes included', () => {
    expect(codeOf(() => new WSRouter({ prefix: '/{rest:path}' }).wsRoute('/x', idle))).toBe('CHANNELBOX_BAD_PATH');
    expect(tableOf(new WSRouter({ prefix: '/{rest:path}' }).wsRoute('', idle)).match('/a/b')?.params).toEqual({
      rest: 'a/b',
    });
  });
});

describe('the same parameter twice on one path fails with what completes it', () => {
  test('a route under a prefix', () => {
    expect(codeOf(() => new WSRouter({ prefix: '/{id}' }).wsRoute('/x/{id:int}', idle))).toBe(
      'CHANNELBOX_DUPLICATE_PARAMETER',
    );
  });

  test('a mount, and then the router is not mounted', () => {
    const table = new RouteTable();
    const router = new WSRouter().wsRoute('/x/{id}', idle);
    expect(codeOf(() => table.mount(router, '/{id}'))).toBe('CHANNELBOX_DUPLICATE_PARAMETER');
    expect(codeOf(() => new WSRouter({ prefix: '/{id}' }).mountRouter(router))).toBe('CHANNELBOX_DUPLICATE_PARAMETER');
    expect(table.match('/7/x/7')).toBeUndefined();
  });

  test('a route added two routers below', () => {
    const inner = new WSRouter();
    const table = tableOf([new WSRouter().mountRouter(inner, '/y'), '/{id}']);
    expect(codeOf(() => inner.wsRoute('/{id}', idle))).toBe('CHANNELBOX_DUPLICATE_PARAMETER');
    expect(table.match('/7/y/7')).toBeUndefined();
  });
});

describe('a duplicate route fails with what completes it, and leaves everything as it was', () => {
  test.each([
    ['/a', '/a'],
    ['/a', '/a/'],
    ['/a/{x}', '/a/{y}'],
    ['/a/{x:int}/b', '/a/{y:int}/b'],
    ['/{x:path}', '/{y:path}'],
    ['/v{x}', '/v{y}'],
    ['/caf%C3%A9', '/café'],
  ])('%s and %s', (one, other) => {
    const table = new RouteTable();
    const first: Handler = () => {};
    table.addRoute(new WebsocketRoutes<string>(one, first));
    expect(codeOf(() => table.addRoute(new WebsocketRoutes<string>(other, idle)))).toBe('CHANNELBOX_DUPLICATE_ROUTE');
    expect(table.match(one.replaceAll(/\{.*?\}/g, '7'))?.destination.run).toBe(first);
  });

  test.each([
    ['/a/{x}', '/a/{x:int}'],
    ['/a/x', '/a/{x}'],
    ['/a/%7Bstr%7D', '/a/{x}'],
    ['/a%2Fb', '/a/b'],
    ['/v{x}', '/{x}v'],
    ['/a', '/A'],
  ])('%s and %s are two', (one, other) => {
    const table = tableOf(new WSRouter().wsRoute(one, idle).wsRoute(other, idle));
    expect(() => table.freeze()).not.toThrow();
  });

  test('in one router, before it is mounted', () => {
    const router = new WSRouter({ prefix: '/ws' }).wsRoute('/{x}', idle);
    expect(() => router.wsRoute('/{y}', idle)).toThrow(/"\/ws\/\{y\}" takes the same paths as "\/ws\/\{x\}"/);
  });

  test('across routers that share a prefix: the mount', () => {
    const table = tableOf(new WSRouter({ prefix: '/ws' }).wsRoute('/{x}', idle).wsRoute('/one', idle));
    const second = new WSRouter({ prefix: '/ws' }).wsRoute('/two', idle).wsRoute('/{y}', idle);
    expect(codeOf(() => table.mount(second))).toBe('CHANNELBOX_DUPLICATE_ROUTE');
    second.wsRoute('/{x}/three', idle);
    expect(pathAt(table, '/ws/two')).toBe('/ws/{x}');
    expect(table.match('/ws/two/three')).toBeUndefined();
  });

  test('across routers that share a prefix: a route added to one of them, at any depth', () => {
    const [deep, other] = [new WSRouter(), new WSRouter({ prefix: '/a' })];
    const table = tableOf(
      new WSRouter({ prefix: '/a' }).mountRouter(deep, '/b'),
      other.wsRoute('/b/{x}', { name: 'first' }, idle),
    );
    expect(codeOf(() => deep.wsRoute('/{y}', { name: 'second' }, idle))).toBe('CHANNELBOX_DUPLICATE_ROUTE');
    deep.wsRoute('/c', idle);
    expect(table.match('/a/b/x')?.destination.name).toBe('first');
    expect(pathAt(table, '/a/b/c')).toBe('/a/b/c');
  });

  test('in one place of two: the other is left as it was too', () => {
    const shared = new WSRouter();
    const [one, two] = [tableOf([shared, '/s']), tableOf([shared, '/s'])];
    two.addRoute(new WebsocketRoutes('/s/x', idle, { name: 'own' }));
    expect(codeOf(() => shared.wsRoute('/x', idle))).toBe('CHANNELBOX_DUPLICATE_ROUTE');
    one.addRoute(new WebsocketRoutes('/s/x', idle, { name: 'free' }));
    expect(one.match('/s/x')?.destination.name).toBe('free');
  });

  test('an empty router mounted twice in one place fails with its first route', () => {
    const router = new WSRouter();
    const table = tableOf([router, '/a'], [router, '/a']);
    expect(codeOf(() => router.wsRoute('/x', idle))).toBe('CHANNELBOX_DUPLICATE_ROUTE');
    expect(table.match('/a/x')).toBeUndefined();
  });

  test('a trailing slash makes two of them where strict', () => {
    const table = new RouteTable({ strict: true });
    table.mount(
      new WSRouter({ prefix: '/ws' }).wsRoute('', { name: 'bare' }, idle).wsRoute('/', { name: 'slash' }, idle),
    );
    expect(table.match('/ws')?.destination.name).toBe('bare');
    expect(table.match('/ws/')?.destination.name).toBe('slash');
    expect(codeOf(() => tableOf(new WSRouter({ prefix: '/ws' }).wsRoute('', idle).wsRoute('/', idle)))).toBe(
      'CHANNELBOX_DUPLICATE_ROUTE',
    );
  });

  test('the root is one, strict or not', () => {
    for (const strict of [true, false]) {
      const table = new RouteTable({ strict });
      table.addRoute(new WebsocketRoutes('/', idle));
      expect(codeOf(() => table.mount(new WSRouter().wsRoute('', idle)))).toBe('CHANNELBOX_DUPLICATE_ROUTE');
      expect(table.match('/')).toBeDefined();
    }
  });
});

describe('a mount that cannot be', () => {
  test('of a router in itself, or in one that it holds', () => {
    const [one, two, three] = [new WSRouter(), new WSRouter(), new WSRouter()];
    expect(codeOf(() => one.mountRouter(one, '/again'))).toBe('CHANNELBOX_MOUNT_CYCLE');
    one.mountRouter(two.mountRouter(three));
    expect(codeOf(() => three.mountRouter(one))).toBe('CHANNELBOX_MOUNT_CYCLE');
    expect(tableOf(one.wsRoute('/x', idle)).match('/x')).toBeDefined();
  });

  test('of something that is no router', () => {
    for (const wrong of [undefined, null, {}, WSRouter, new RouteTable()]) {
      expect(codeOf(() => new WSRouter().mountRouter(wrong as never))).toBe('CHANNELBOX_BAD_MOUNT');
      expect(codeOf(() => new RouteTable().mount(wrong as never))).toBe('CHANNELBOX_BAD_MOUNT');
    }
  });
});

describe('after the first connection', () => {
  const routers = (): { outer: WSRouter; inner: WSRouter; table: RouteTable } => {
    const inner = new WSRouter().wsRoute('/x', idle);
    const outer = new WSRouter().mountRouter(inner);
    return { inner, outer, table: tableOf(outer) };
  };

  test.each(['freeze', 'match'] as const)('%s: every addition throws, at any depth, and changes nothing', (how) => {
    const { inner, outer, table } = routers();
    expect(table.isInUse).toBe(false);
    if (how === 'freeze') table.freeze();
    else table.match('/nowhere');
    expect(table.isInUse).toBe(true);
    const late: Middleware = () => {};
    for (const act of [
      () => table.addRoute(new WebsocketRoutes('/late', idle)),
      () => table.addMiddleware(late),
      () => table.mount(new WSRouter()),
      ...[outer, inner].flatMap((router) => [
        () => router.wsRoute('/late', idle),
        () => router.addWsRoute('/late', idle),
        () => router.addWsMiddleware(late),
        () => router.mountRouter(new WSRouter().wsRoute('/late', idle)),
      ]),
    ]) {
      expect(codeOf(act)).toBe('CHANNELBOX_APP_IN_USE');
    }
    expect(table.match('/late')).toBeUndefined();
    expect(table.match('/x')?.destination.run).toBe(idle);
  });

  test('a router of an app in use still mounts in another app, which stays open', () => {
    const { outer, table } = routers();
    table.freeze();
    const second = tableOf([outer, '/second']);
    expect(codeOf(() => second.addRoute(new WebsocketRoutes('/second/x', idle)))).toBe('CHANNELBOX_DUPLICATE_ROUTE');
    second.addRoute(new WebsocketRoutes('/open', idle));
    expect(pathAt(second, '/second/x')).toBe('/second/x');
    expect(pathAt(second, '/open')).toBe('/open');
  });

  test('a router that lives on holds no app that it was mounted in', async () => {
    const { outer } = routers();
    const ended = ['/one', '/two'].map((prefix) => {
      const table = tableOf([outer, prefix]);
      table.freeze();
      return new WeakRef(table);
    });
    await new Promise((resolve) => setImmediate(resolve));
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    expect(ended.map((table) => table.deref())).toEqual([undefined, undefined]);
    expect(pathAt(tableOf(outer), '/x')).toBe('/x');
  });

  test('a router that was not mounted stays open', () => {
    const { table } = routers();
    table.freeze();
    expect(codeOf(() => new WSRouter().wsRoute('/x', idle))).toBeUndefined();
  });
});

test('a thousand routes register in well under a second', () => {
  const router = new WSRouter({ prefix: '/ws' });
  const table = tableOf(new WSRouter({ prefix: '/a' }).mountRouter(router));
  const start = performance.now();
  for (let index = 0; index < 1_000; index++) router.wsRoute(`/r${index}/{id:int}`, idle);
  expect(pathAt(table, '/a/ws/r999/7')).toBe('/a/ws/r999/{id:int}');
  expect(performance.now() - start).toBeLessThan(1_000);
});
