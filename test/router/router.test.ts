import { describe, expect, test } from 'vitest';
import { RouteError } from '../../src/errors.ts';
import type { Middleware, WebSocket } from '../../src/api.ts';
import { WebsocketRoutes } from '../../src/route/route.ts';
import { WebSocketConsumer } from '../../src/consumer/consumer.ts';
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
    const at = '/v{version:int}/{tenant}/{org:int}';
    const found = tableOf([organisations, at]).match('/v2/acme/9/floor/one/room/a%20b/seat/7');
    expect(found?.params).toEqual({ version: 2, tenant: 'acme', org: 9, floor: 'one', room: 'a b', seat: 7 });
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

describe('below a prefix', () => {
  class Room extends WebSocketConsumer<unknown, { readonly org: number }> {}

  test('a consumer is added by its hooks, or as a class with its arguments', () => {
    const org = new WSRouter({ prefix: '/org/{org:int}' }).consumer('/a', { onReceive: idle }).consumer('/b', Room);
    const table = tableOf(org);
    expect(table.match('/org/7/a')?.params).toEqual({ org: 7 });
    expect(pathAt(table, '/org/7/b')).toBe('/org/{org:int}/b');
  });

  test.each([
    ['a route', new WebsocketRoutes('/x', idle)],
    ['a function', idle],
    ['an instance', new Room()],
    ['null', null],
  ])('what is no consumer, %s, is refused', (_what, given) => {
    expect(codeOf(() => new WSRouter().consumer('/x', given as never))).toBe(
      given instanceof WebsocketRoutes ? undefined : 'CHANNELBOX_BAD_HANDLER',
    );
  });

  test('a router of a router stands where both say, is filled later and can be mounted elsewhere by its whole prefix', () => {
    const org = new WSRouter({ prefix: '/org/{org:int}' });
    const team = org.router('/team/{team}', { middleware: [(_ws, next) => next()] });
    const table = tableOf(org);
    team.wsRoute('/x', idle).router('/in').wsRoute('/y', idle);
    expect(table.match('/org/7/team/red/x')?.params).toEqual({ org: 7, team: 'red' });
    expect(table.match('/org/7/team/red/x')?.destination.middleware).toHaveLength(1);
    expect(pathAt(table, '/org/7/team/red/in/y')).toBe('/org/{org:int}/team/{team}/in/y');
    expect(pathAt(tableOf(team), '/org/7/team/red/x')).toBe('/org/{org:int}/team/{team}/x');
    expect(codeOf(() => org.router('/{org}'))).toBe('CHANNELBOX_DUPLICATE_PARAMETER');
    expect(codeOf(() => team.wsRoute('/z', idle))).toBe('CHANNELBOX_APP_IN_USE');
  });

  test.each([
    ['/legacy', 'CHANNELBOX_BAD_MOUNT'],
    ['', 'CHANNELBOX_BAD_MOUNT'],
    ['/legacy/{shop}', 'CHANNELBOX_BAD_MOUNT'],
    ['/legacy/{shop:int}', undefined],
    ['/{area}/{shop:float}', undefined],
  ])('a mount at %j brings the parameters that handlers count on, or is refused: %s', (prefix, code) => {
    const shops = new WSRouter({ prefix: '/shops/{shop:int}' }).wsRoute('/orders', idle);
    expect(codeOf(() => tableOf([shops as WSRouter<string>, prefix]))).toBe(code);
  });

  test('what is refused leaves the app as it was', () => {
    const shops = new WSRouter({ prefix: '/shops/{shop:int}' }).wsRoute('/orders', idle);
    const table = tableOf();
    expect(() => table.mount(shops, '/legacy')).toThrow(/lacks \{shop\} of the router's own, "\/shops\/\{shop:int\}"/);
    expect(table.has('/legacy/orders')).toBe(false);
  });
});

describe('asking whether a path has a route', () => {
  test('answers for a path and for a request target, and puts nothing in use', () => {
    const table = tableOf(new WSRouter().wsRoute('/room/{id:int}', idle));
    expect([table.has('/room/7'), table.has('/room/7?a=/x#y'), table.has('/room/x'), table.has('')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(table.isInUse).toBe(false);
    table.addRoute(new WebsocketRoutes('/later', idle));
    expect(table.has('/later')).toBe(true);
  });
});

test('a thousand routes register in well under a second of CPU', () => {
  const router = new WSRouter({ prefix: '/ws' });
  const table = tableOf(new WSRouter({ prefix: '/a' }).mountRouter(router));
  // Of this process's own time: other processes have theirs.
  const start = process.cpuUsage();
  for (let index = 0; index < 1_000; index++) router.wsRoute(`/r${index}/{id:int}`, idle);
  expect(pathAt(table, '/a/ws/r999/7')).toBe('/a/ws/r999/{id:int}');
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(1_000);
});
