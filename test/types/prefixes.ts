/** What is known below a prefix, and what a mount refuses. Checked by `npm run typecheck`; nothing here runs. */
import { App, consumer, WebSocketConsumer, WSRouter, type AnyRouter, type Middleware } from 'channelbox';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <_T extends true>(): void => {};

class Room extends WebSocketConsumer<unknown, { readonly org: number; readonly name: string }> {
  readonly size: number;
  constructor(size: number) {
    super();
    this.size = size;
  }
}

export function aConsumerKnowsItsRoutersPrefix(): void {
  const org = new WSRouter({
    prefix: '/org/{org:int}',
    middleware: [(ws, next) => (ws.params.org > 0 ? next() : ws.deny(404))],
  });
  org
    .consumer('/room/{name}', {
      middleware: [(ws, next) => (ws.params.name === '' ? undefined : next())],
      onConnect(ws) {
        yes<Same<typeof ws.params.org, number>>();
        yes<Same<typeof this.websocket.params.name, string>>();
        return ws.accept();
      },
    })
    .consumer('/room2/{name}', Room, 3)
    .addWsMiddleware((ws, next) => (ws.params.org === 1 ? next() : undefined))
    .wsRoute('/a/{b}', { middleware: [(ws, next) => (ws.params.b === '' ? undefined : next())] }, (_ws, { org, b }) => {
      yes<Same<[typeof org, typeof b], [number, string]>>();
    });
  // @ts-expect-error -- the path lacks the name that the class counts on
  org.consumer('/room3', Room, 3);
  // @ts-expect-error -- the constructor wants a number
  org.consumer('/room4/{name}', Room, 'three');
  // @ts-expect-error -- and it wants it
  org.consumer('/room5/{name}', Room);
  // @ts-expect-error -- no such parameter
  org.consumer('/room6/{name}', { onConnect: (ws) => void ws.params.team });
}

export function aRouterInARouterKnowsBoth(): void {
  const org = new WSRouter({ prefix: '/org/{org:int}' });
  const team = org.router('/team/{team}', { middleware: [(ws, next) => (ws.params.org > 0 ? next() : undefined)] });
  team.wsRoute(
    '/x',
    (_ws, { org: number, team: text }) => void yes<Same<[typeof number, typeof text], [number, string]>>(),
  );
  team.router('/{at:float}').consumer('/y', {
    onReceive(ws) {
      yes<Same<[typeof ws.params.org, typeof ws.params.at], [number, number]>>();
    },
  });
  const any: AnyRouter[] = [org, team, new WSRouter()];
  for (const each of any) org.mountRouter(each);
}

export function anAppsConsumerKnowsItsPath(): void {
  const app = new App();
  app.consumer('/room/{org:int}/{name}', Room, 3).consumer('/b/{id:int}', {
    onReceive: (ws, data) => void yes<Same<[typeof ws.params.id, typeof data], [number, unknown]>>(),
  });
  // @ts-expect-error -- the path lacks the organisation
  app.consumer('/room/{name}', Room, 3);
  app.addWsRoute(consumer('/c/{id:int}', { onConnect: (ws) => void yes<Same<typeof ws.params.id, number>>() }));
}

export function aMountBringsTheParametersOfTheRouter(app: App, some: string): void {
  const shops = new WSRouter({ prefix: '/shops/{shop:int}' });
  app.mountWsRouter(shops).mountWsRouter(shops, '/legacy/{shop:int}').mountWsRouter(shops, '/{area}/{shop:float}');
  app.mountWsRouter(shops, some).includeWsRouter(new WSRouter(), '/anywhere').mountWsRouter(new WSRouter([]), '');
  // @ts-expect-error -- the handlers count on shop
  app.mountWsRouter(shops, '/legacy');
  // @ts-expect-error -- as a number
  app.mountWsRouter(shops, '/legacy/{shop}');
  // @ts-expect-error -- by either name
  app.includeWsRouter(shops, '');
  const anyMiddleware: Middleware = (_ws, next) => next();
  app.addWsMiddleware(anyMiddleware);
  shops.addWsMiddleware(anyMiddleware);
  // @ts-expect-error -- an app's middleware knows no parameters
  app.addWsMiddleware((ws, next) => (ws.params.shop > 0 ? next() : undefined));
}
