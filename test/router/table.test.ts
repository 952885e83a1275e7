import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { RouteError } from '../../src/errors.ts';
import type { Handler, Middleware } from '../../src/api.ts';
import { WebsocketRoutes } from '../../src/route/route.ts';
import { WSRouter } from '../../src/router/router.ts';
import { RouteTable } from '../../src/router/table.ts';

const idle = (): void => {};

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
