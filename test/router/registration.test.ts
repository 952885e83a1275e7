import { describe, expect, test } from 'vitest';
import { RouteError } from '../../src/errors.ts';
import type { Handler } from '../../src/api.ts';
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
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(RouteError);
    return (error as RouteError).code;
  }
  return undefined;
};

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
