import { RouteError } from '../errors.ts';
import type { Handler, Middleware } from '../api.ts';
import { consumerRoute, type ConsumerClass, type ConsumerHooks } from '../consumer/consumer.ts';
import { assertMiddlewareList, described } from '../route/callable.ts';
import { joinPaths } from '../route/path.ts';
import type { ParamsOf } from '../route/pattern.ts';
import { routeFrom } from '../route/route.ts';
import type { RouteOptions, WebsocketRoutes } from '../route/route.ts';
import { RouteTree } from './tree.ts';

export interface RouterOptions<Prefix extends string = string> {
  /** Before every path of the router; its fields are in the handlers' params. */
  prefix?: Prefix;
  /** The first is the outermost. */
  middleware?: readonly Middleware<ParamsOf<Prefix>>[];
  routes?: readonly WebsocketRoutes[];
}

/** A router of any prefix. */
// oxlint-disable-next-line no-explicit-any -- what its handlers know is checked where they are added
export type AnyRouter = WSRouter<any>;

/**
 * What `mountWsRouter` takes as a prefix in place of the router's own, `P`: one that brings at least the parameters which
 * the router's handlers were typed with.
 */
export type MountPrefix<P extends string, M extends string> = M &
  (string extends M ? unknown : ParamsOf<M> extends ParamsOf<P> ? unknown : never);

let reach: (router: unknown) => RouteTree;

/**
 * A router has routes that share a prefix and middleware. It runs nothing by itself: mount it in an app or in another
 * router.
 *
 * It may be filled after it is mounted, until the first connection. It may be mounted in several places and apps. The
 * path `''` is the prefix itself; `'/'` is too, with a slash behind it.
 */
export class WSRouter<const Prefix extends string = ''> {
  readonly #tree: RouteTree;

  /** @throws {RouteError} `CHANNELBOX_BAD_MIDDLEWARE`, and what {@link addWsRoute} and {@link addWsMiddleware} throw */
  constructor(options: RouterOptions<Prefix> | readonly WebsocketRoutes[] = {}) {
    const {
      prefix = '' as Prefix,
      middleware = [],
      routes = [],
    }: RouterOptions<Prefix> = isList(options) ? { routes: options } : options;
    this.#tree = new RouteTree({ prefix });
    assertMiddlewareList(middleware);
    for (const each of middleware) this.#tree.addMiddleware(each as Middleware<never> as Middleware);
    for (const route of routes) this.#tree.addRoute(route);
  }

  /**
   * @throws {RouteError} `CHANNELBOX_BAD_PATH`, `CHANNELBOX_DUPLICATE_PARAMETER`, `CHANNELBOX_DUPLICATE_ROUTE`,
   * `CHANNELBOX_BAD_HANDLER`, `CHANNELBOX_BAD_MIDDLEWARE`, `CHANNELBOX_BAD_ROUTE`; `CHANNELBOX_APP_IN_USE` after the first connection
   */
  wsRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<`${Prefix}${Path}`>>): this;
  wsRoute<const Path extends string>(
    path: Path,
    options: RouteOptions<ParamsOf<`${Prefix}${Path}`>>,
    handler: Handler<ParamsOf<`${Prefix}${Path}`>>,
  ): this;
  wsRoute(...given: readonly unknown[]): this {
    this.#tree.addRoute(routeFrom(given));
    return this;
  }

  /** The same as {@link wsRoute}. */
  websocketRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<`${Prefix}${Path}`>>): this {
    return this.wsRoute(path, handler);
  }

  /** @throws {RouteError} what {@link wsRoute} throws, and `CHANNELBOX_BAD_ROUTE` */
  addWsRoute(route: WebsocketRoutes): this;
  addWsRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<`${Prefix}${Path}`>>): this;
  addWsRoute(...given: readonly unknown[]): this {
    this.#tree.addRoute(routeFrom(given));
    return this;
  }

  /** @throws {RouteError} `CHANNELBOX_BAD_MIDDLEWARE`; `CHANNELBOX_APP_IN_USE` after the first connection */
  addWsMiddleware(middleware: Middleware<ParamsOf<Prefix>>): this {
    this.#tree.addMiddleware(middleware as Middleware<never> as Middleware);
    return this;
  }

  /**
   * Adds a consumer whose hooks know the parameters of the prefix and of the path; the class form takes the constructor's
   * arguments too.
   * @throws {RouteError} `CHANNELBOX_BAD_HANDLER` for what is neither, and what {@link wsRoute} throws
   */
  consumer<const Path extends string, In = unknown>(
    path: Path,
    hooks: ConsumerHooks<In, ParamsOf<`${Prefix}${Path}`>>,
  ): this;
  consumer<const Path extends string, A extends unknown[], P>(
    path: Path & (ParamsOf<`${Prefix}${Path}`> extends P ? unknown : never),
    type: ConsumerClass<A, P>,
    ...constructorArgs: A
  ): this;
  consumer(...given: readonly unknown[]): this {
    this.#tree.addRoute(consumerRoute(given));
    return this;
  }

  /**
   * A new router, mounted here under `prefix`; its handlers know the parameters of both.
   * @throws {RouteError} `CHANNELBOX_BAD_PATH`, `CHANNELBOX_DUPLICATE_PARAMETER`, `CHANNELBOX_BAD_MIDDLEWARE`;
   * `CHANNELBOX_APP_IN_USE` after the first connection
   */
  router<const Sub extends string>(
    prefix: Sub,
    options: { middleware?: readonly Middleware<ParamsOf<`${Prefix}${Sub}`>>[] } = {},
  ): WSRouter<`${Prefix}${Sub}`> {
    const full = joinPaths(this.#tree.prefix, prefix) as `${Prefix}${Sub}`;
    const inner = new WSRouter<`${Prefix}${Sub}`>({ ...options, prefix: full });
    this.#tree.mount(inner.#tree, prefix);
    return inner;
  }

  /**
   * A prefix given here comes before the router's own.
   * @throws {RouteError} what {@link wsRoute} throws for any of its routes, and `CHANNELBOX_BAD_MOUNT`,
   * `CHANNELBOX_MOUNT_CYCLE`
   */
  mountRouter(router: AnyRouter, prefix = ''): this {
    const tree = treeOf(router);
    this.#tree.mount(tree, joinPaths(prefix, tree.prefix));
    return this;
  }

  static {
    reach = (router) => {
      if (typeof router === 'object' && router !== null && #tree in router) return router.#tree;
      throw new RouteError('CHANNELBOX_BAD_MOUNT', `only a WSRouter can be mounted, got ${described(router)}`);
    };
  }
}

/**
 * What a router holds, for the rest of this room; the class itself shows none of it.
 * @throws {RouteError} `CHANNELBOX_BAD_MOUNT` for anything but a router
 */
export function treeOf(router: unknown): RouteTree {
  return reach(router);
}

function isList(options: object): options is readonly WebsocketRoutes[] {
  return Array.isArray(options);
}
