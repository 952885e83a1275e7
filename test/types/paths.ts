/** Checked by `npm run typecheck`; nothing here runs. */
import type { Handler, Params, WebSocket } from '../../src/api.ts';
import type { Converters, ParamsOf } from '../../src/route/pattern.ts';
import { WebsocketRoutes } from '../../src/route/route.ts';
import { WSRouter } from '../../src/router/router.ts';

type Flat<T> = { [K in keyof T]: T[K] };
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <_T extends true>(): void => {};

export function pathsGiveTheirParams(): void {
  yes<Same<Flat<ParamsOf<'/room/{name}/item/{id:int}'>>, { readonly name: string; readonly id: number }>>();
  yes<
    Same<
      Flat<ParamsOf<'/{a:float}/{b:uuid}/{c:slug}/{d:path}'>>,
      { readonly a: number; readonly b: string; readonly c: string; readonly d: string }
    >
  >();
  yes<Same<Flat<ParamsOf<'/v{major:int}/{file}.json'>>, { readonly major: number; readonly file: string }>>();
  yes<Same<ParamsOf<'/plain'>, {}>>();
  yes<Same<ParamsOf<string>, Params>>();
  yes<Same<ParamsOf<'/{id:integer}'>['id'], never>>();
  yes<Same<keyof Converters, 'str' | 'int' | 'float' | 'uuid' | 'slug' | 'path'>>();
  // @ts-expect-error -- the check itself can fail
  yes<Same<Flat<ParamsOf<'/{id:int}'>>, { readonly id: string }>>();
}

export function aRouterInfersFromPrefixAndPath(): void {
  const router = new WSRouter({ prefix: '/org/{org:int}' });
  router
    .wsRoute('/room/{room}', (ws, params) => {
      yes<Same<typeof params.org, number>>();
      yes<Same<typeof params.room, string>>();
      yes<Same<typeof ws.params.org, number>>();
      // @ts-expect-error -- no such parameter
      void params.seat;
      // @ts-expect-error -- params are read only
      params.room = 'x';
    })
    .wsRoute('/seat/{seat:int}', { name: 'seat', middleware: [(_ws, next) => next()] }, async (ws) => {
      yes<Same<typeof ws.pathParams.seat, number>>();
    })
    .websocketRoute('', (_ws, { org }) => void yes<Same<typeof org, number>>())
    .addWsRoute('/x/{x:float}', (_ws, { org, x }) => void yes<Same<[typeof org, typeof x], [number, number]>>());
  // @ts-expect-error -- the prefix's parameter is a number
  router.wsRoute('/y', (_ws, params: { readonly org: string }) => params);
  new WSRouter().wsRoute('/{a}', (_ws, { a }) => void yes<Same<typeof a, string>>());
  new WSRouter([]).wsRoute('/{a:int}', (_ws, { a }) => void yes<Same<typeof a, number>>());
  // @ts-expect-error -- a route's options are checked
  new WSRouter().wsRoute('/a', { limit: {} }, () => {});
}

export function routesOfAnyPathFitOneList(prefix: string): void {
  const routes: WebsocketRoutes[] = [
    new WebsocketRoutes('/a', () => {}),
    new WebsocketRoutes(
      '/room/{name}/{id:int}',
      (ws, { name, id }) => {
        yes<Same<[typeof name, typeof id], [string, number]>>();
        yes<Same<typeof ws.params.id, number>>();
      },
      { name: 'room', limits: { inboundQueue: 8 } },
    ),
  ];
  const router = new WSRouter({ prefix: '/ws', routes });
  router.addWsRoute(new WebsocketRoutes('/b/{b}', () => {}));
  yes<Same<WebsocketRoutes['name'], string | undefined>>();
  // @ts-expect-error -- the path has no such parameter
  new WebsocketRoutes('/a', (_ws, params: { readonly a: string }) => params);

  const routers: WSRouter<string>[] = [
    router,
    new WSRouter(),
    new WSRouter({ prefix: '/{x:int}' }),
    new WSRouter({ prefix }),
  ];
  for (const each of routers) router.mountRouter(each).mountRouter(each, '/more');
  // @ts-expect-error -- an app's handler is no router
  router.mountRouter(() => {});
}

export function oneHandlerServesManyPaths(
  shared: Handler,
  named: (ws: WebSocket<{ readonly name: string }>) => void,
): void {
  new WSRouter({ prefix: '/{org:int}' })
    .wsRoute('/a', shared)
    .wsRoute('/b/{name}', shared)
    .wsRoute('/c/{name}/{id:int}', named);
}
