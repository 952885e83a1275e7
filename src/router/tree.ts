import { RouteError } from '../errors.ts';
import type { Middleware } from '../api.ts';
import { assertMiddleware } from '../route/callable.ts';
import { joinPaths } from '../route/path.ts';
import { Pattern, quote } from '../route/pattern.ts';
import { assertRoute } from '../route/route.ts';
import type { WebsocketRoutes } from '../route/route.ts';

/** A tree in another, under a prefix. */
interface Mount {
  readonly parent: RouteTree;
  readonly child: RouteTree;
  readonly prefix: string;
}

/** A route as a root sees it. */
export interface FullRoute {
  readonly route: WebsocketRoutes;
  /** All prefixes included. */
  readonly path: string;
  /** Of every tree on the way and of the route; the first is the outermost. */
  readonly middleware: readonly Middleware[];
}

type Claims = Map<RouteTree, Map<string, string>>;

export interface RouteTreeOptions {
  /** Stands before every path of this tree when parameters are checked; a mount says what really does. */
  prefix?: string;
  /** Paths with equal keys are one route. Default: names do not count, a trailing slash does. */
  keyOf?: (pattern: Pattern) => string;
}

/**
 * A tree has routes, middleware and other trees under prefixes, which is what an app and a router have in common.
 *
 * Each tree knows where it is mounted, so an addition is checked against every tree that it becomes visible in before
 * anything is changed: what throws leaves all of them as they were. Once a tree is in use, so is all below it.
 */
export class RouteTree {
  readonly #prefix: string;
  readonly #keyOf: (pattern: Pattern) => string;
  readonly #middleware: Middleware[] = [];
  readonly #routes: WebsocketRoutes[] = [];
  readonly #mounts: Mount[] = [];
  #places: Mount[] = [];
  /** Key → path, of every route here and below. */
  readonly #taken = new Map<string, string>();
  #isInUse = false;

  constructor({ prefix = '', keyOf = keyWithSlash }: RouteTreeOptions = {}) {
    this.#prefix = new Pattern(prefix).path;
    this.#keyOf = keyOf;
  }

  get prefix(): string {
    return this.#prefix;
  }

  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** @throws {RouteError} `CHANNELBOX_BAD_ROUTE`, `CHANNELBOX_DUPLICATE_ROUTE`, `CHANNELBOX_DUPLICATE_PARAMETER`, `CHANNELBOX_APP_IN_USE` */
  addRoute(route: WebsocketRoutes): void {
    this.#assertOpen('a route');
    assertRoute(route);
    this.#take([route.path]);
    this.#routes.push(route);
  }

  /** @throws {RouteError} `CHANNELBOX_BAD_MIDDLEWARE`, `CHANNELBOX_APP_IN_USE` */
  addMiddleware(middleware: Middleware): void {
    this.#assertOpen('middleware');
    assertMiddleware(middleware);
    this.#middleware.push(middleware);
  }

  /** @throws {RouteError} `CHANNELBOX_MOUNT_CYCLE`, `CHANNELBOX_BAD_PATH` and what {@link addRoute} throws */
  mount(child: RouteTree, prefix: string): void {
    this.#assertOpen('a router');
    const mount = { parent: this, child, prefix: new Pattern(prefix).path };
    if (child.#holds(this)) {
      throw new RouteError(
        'CHANNELBOX_MOUNT_CYCLE',
        'a router cannot be mounted in itself or in a router that it holds',
      );
    }
    this.#take([...child.#paths()].map((path) => joinPaths(prefix, path)));
    this.#mounts.push(mount);
    // A tree in use never changes, so it has nothing to ask its places; long-lived routers then hold no ended app.
    if (!child.#isInUse) child.#places.push(mount);
  }

  /** From here on nothing is added, here or below. */
  freeze(): void {
    if (this.#isInUse) return;
    this.#isInUse = true;
    this.#places = [];
    for (const { child } of this.#mounts) child.freeze();
  }

  /** Every route here and below, once for each place that it is mounted in. */
  *routes(): Generator<FullRoute> {
    for (const route of this.#routes) {
      yield { route, path: route.path, middleware: [...this.#middleware, ...route.middleware] };
    }
    for (const { child, prefix } of this.#mounts) {
      for (const { route, path, middleware } of child.routes()) {
        yield { route, path: joinPaths(prefix, path), middleware: [...this.#middleware, ...middleware] };
      }
    }
  }

  *#paths(): Generator<string> {
    for (const { path } of this.routes()) yield path;
  }

  #holds(tree: RouteTree): boolean {
    return tree === this || this.#mounts.some(({ child }) => child.#holds(tree));
  }

  #take(paths: readonly string[]): void {
    const claims: Claims = new Map();
    this.#claim(paths, claims);
    for (const [tree, keys] of claims) {
      for (const [key, path] of keys) tree.#taken.set(key, path);
    }
  }

  #claim(paths: readonly string[], claims: Claims): void {
    const keys = claims.get(this) ?? new Map<string, string>();
    claims.set(this, keys);
    for (const path of paths) {
      const full = joinPaths(this.#prefix, path);
      const pattern = new Pattern(full);
      const key = this.#keyOf(pattern);
      const other = this.#taken.get(key) ?? keys.get(key);
      if (other !== undefined) throw duplicate(full, other);
      keys.set(key, full);
    }
    for (const { parent, prefix } of this.#places) {
      parent.#claim(
        paths.map((path) => joinPaths(prefix, path)),
        claims,
      );
    }
  }

  #assertOpen(what: string): void {
    if (!this.#isInUse) return;
    throw new RouteError(
      'CHANNELBOX_APP_IN_USE',
      `${what} was added after the first connection; add everything, also to mounted routers, before it`,
    );
  }
}

function keyWithSlash(pattern: Pattern): string {
  return pattern.endsWithSlash ? `${pattern.shape}/` : pattern.shape;
}

function duplicate(path: string, other: string): RouteError {
  return new RouteError(
    'CHANNELBOX_DUPLICATE_ROUTE',
    `route ${quote(path)} takes the same paths as ${quote(other)}, which is already there; remove or rename one of them`,
  );
}
