import { RouteError } from '../errors.ts';
import type { Handler, Limits, Middleware, Params, RouteLimits, Serve } from '../api.ts';
import { checkLimits } from '../limits.ts';
import { assertHandler, assertMiddlewareList, described } from './callable.ts';
import { Pattern } from './pattern.ts';
import type { ParamsOf } from './pattern.ts';

/** What a route has besides its path and its handler. */
export interface RouteOptions<P = Params> {
  /** Inside the app's and the routers'; the first is the outermost. */
  middleware?: readonly Middleware<P>[];
  /** For logs and error contexts; the path where there is none. */
  name?: string;
  /** In place of the app's, for this route's connections. */
  limits?: Partial<RouteLimits>;
}

/**
 * A route is a value; routes of any path fit one list.
 *
 * The path is checked here, by {@link Pattern}'s rules, and so are handler and options. The empty path is a router's
 * own prefix.
 * @throws {RouteError} `CHANNELBOX_BAD_PATH`, `CHANNELBOX_DUPLICATE_PARAMETER`, `CHANNELBOX_BAD_HANDLER`,
 * `CHANNELBOX_BAD_MIDDLEWARE`, `CHANNELBOX_BAD_ROUTE`
 * @throws {LimitError} `CHANNELBOX_LIMITS`
 */
export class WebsocketRoutes<const Path extends string = string> {
  readonly path: string;
  readonly name: string | undefined;
  readonly middleware: readonly Middleware[];
  readonly limits: Readonly<Partial<Limits>> | undefined;
  /** Its parameters' type is the path's, which a list of routes does not know. */
  readonly handler: Handler;
  /** The same without a promise, where it can be had so: a consumer's. */
  readonly serve: Serve | undefined;

  /** @param serve what the handler does, for a route that no middleware stands around */
  constructor(path: Path, handler: Handler<ParamsOf<Path>>, options: RouteOptions<ParamsOf<Path>> = {}, serve?: Serve) {
    this.path = new Pattern(path).path;
    assertOptions(options, path);
    assertHandler(handler, path);
    const { middleware = [], name, limits } = options;
    assertMiddlewareList(middleware);
    this.handler = handler as Handler<never> as Handler;
    this.serve = serve;
    // As with the handler's, a list of routes does not know the parameters that they are typed with.
    this.middleware = [...(middleware as readonly Middleware<never>[] as readonly Middleware[])];
    this.name = name;
    if (limits !== undefined) checkLimits(limits, 'route');
    this.limits = limits && { ...limits };
  }
}

/**
 * What `wsRoute` and `addWsRoute` are given: a route as a value; a path and its handler; or options between the two.
 * @throws {RouteError} what {@link WebsocketRoutes} throws, and `CHANNELBOX_BAD_ROUTE`
 */
export function routeFrom(given: readonly unknown[]): WebsocketRoutes {
  const [first, second, third] = given;
  if (given.length < 2 && typeof first !== 'string') {
    assertRoute(first);
    return first;
  }
  const [options, handler] = given.length > 2 ? [second, third] : [{}, second];
  return new WebsocketRoutes<string>(first as string, handler as Handler, options as RouteOptions);
}

/** @throws {RouteError} `CHANNELBOX_BAD_ROUTE` */
export function assertRoute(route: unknown): asserts route is WebsocketRoutes {
  if (route instanceof WebsocketRoutes) return;
  throw new RouteError(
    'CHANNELBOX_BAD_ROUTE',
    `a route is new WebsocketRoutes(path, handler), consumer(path, { … }) or Consumer.asRoute(path), got ${described(route)}`,
  );
}

function assertOptions(options: unknown, path: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new RouteError(
    'CHANNELBOX_BAD_ROUTE',
    `the options of '${path}' are an object { middleware, name, limits }, got ${described(options)}; wsRoute takes them before the handler`,
  );
}
