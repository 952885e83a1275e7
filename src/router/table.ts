import { RouteError } from '../errors.ts';
import type { Handler, Limits, Middleware, Params, Serve } from '../api.ts';
import { compose, served } from '../middleware/compose.ts';
import type { Enter } from '../middleware/compose.ts';
import { Pattern, quote } from '../route/pattern.ts';
import { assertRoute } from '../route/route.ts';
import type { WebsocketRoutes } from '../route/route.ts';
import { treeOf } from './router.ts';
import type { AnyRouter } from './router.ts';
import { RouteTree } from './tree.ts';
import { noParams, Trie } from './trie.ts';

/** What a connection of one route needs, made once. */
export interface Destination {
  readonly route: WebsocketRoutes;
  /** The pattern, all prefixes included: `/org/{org:int}/room/{name}`. */
  readonly path: string;
  readonly name: string | undefined;
  readonly limits: Readonly<Partial<Limits>> | undefined;
  /** App → router → inner router → route; the first added is the outermost. */
  readonly middleware: readonly Middleware[];
  /** The handler inside its middleware; the handler itself where there is none. */
  readonly run: Handler;
  /** Begins the same. */
  readonly serve: Serve;
}

export interface RouteMatch {
  readonly destination: Destination;
  /** Frozen; of all prefixes and the path. */
  readonly params: Params;
}

export interface RouteTableOptions {
  /** A trailing slash makes another path. */
  strict?: boolean;
  /** Handed to every route's {@link compose}. */
  enter?: Enter;
}

/**
 * The table has an app's routes: what may be added until the first connection, and what a path leads to after it.
 * Compiled at the first match, which puts it in use.
 */
export class RouteTable {
  readonly #isStrict: boolean;
  readonly #enter: Enter | undefined;
  readonly #tree: RouteTree;
  #trie: Trie<Destination> | undefined;
  /** Nearly all clients of a server ask for the same path. Only one without params: what it leads to can be shared. */
  #last: { readonly path: string; readonly match: RouteMatch } | undefined;

  constructor({ strict = false, enter }: RouteTableOptions = {}) {
    this.#isStrict = strict;
    this.#enter = enter;
    this.#tree = new RouteTree({ keyOf: (pattern) => this.#keyOf(pattern) });
  }

  get isInUse(): boolean {
    return this.#tree.isInUse;
  }

  /** @throws {RouteError} what {@link RouteTree.addRoute} throws, and `CHANNELBOX_BAD_PATH` for the empty path */
  addRoute(route: WebsocketRoutes): void {
    assertRoute(route);
    if (route.path === '') {
      throw new RouteError('CHANNELBOX_BAD_PATH', `path "" needs a router's prefix before it; write '/' for the root`);
    }
    this.#tree.addRoute(route);
  }

  /** @throws {RouteError} `CHANNELBOX_BAD_MIDDLEWARE`, `CHANNELBOX_APP_IN_USE` */
  addMiddleware(middleware: Middleware): void {
    this.#tree.addMiddleware(middleware);
  }

  /**
   * A prefix given here replaces the router's own.
   * @throws {RouteError} `CHANNELBOX_BAD_MOUNT`, `CHANNELBOX_APP_IN_USE` and what its routes' registration throws
   */
  mount(router: AnyRouter, prefix?: string): void {
    const tree = treeOf(router);
    if (prefix !== undefined) assertBrings(prefix, tree.prefix);
    this.#tree.mount(tree, prefix ?? tree.prefix);
  }

  /** From here on every addition, also to a router mounted at any depth, throws `CHANNELBOX_APP_IN_USE`. */
  freeze(): void {
    this.#tree.freeze();
  }

  /** @param path of a URL, still escaped, without query or hash. The first call puts the table in use. */
  match(path: string): RouteMatch | undefined {
    if (this.#last?.path === path) return this.#last.match;
    if (this.#trie === undefined) {
      this.freeze();
      this.#trie = this.#compile();
    }
    const found = this.#trie.find(path);
    if (found === undefined) return undefined;
    const match = { destination: found.value, params: found.params };
    if (found.params === noParams) this.#last = { path, match };
    return match;
  }

  /** @param target a path, or a request's target; asking puts nothing in use */
  has(target: string): boolean {
    const trie = this.#trie ?? this.#compile();
    return trie.find(target.split(/[?#]/, 1)[0] as string) !== undefined;
  }

  #compile(): Trie<Destination> {
    const trie = new Trie<Destination>(this.#isStrict);
    for (const { route, path, middleware } of this.#tree.routes()) {
      const pattern = new Pattern(path === '' ? '/' : path);
      const own = middleware.length === 0 ? route.serve : undefined;
      const run = compose(middleware, route.handler, this.#enter);
      const { name, limits } = route;
      trie.insert(pattern, { route, path: pattern.path, name, limits, middleware, run, serve: own ?? served(run) });
    }
    return trie;
  }

  #keyOf(pattern: Pattern): string {
    return this.#isStrict && pattern.endsWithSlash && pattern.segments.length > 0 ? `${pattern.shape}/` : pattern.shape;
  }
}

/**
 * Handlers of a router were typed with the parameters of its own prefix: one that stands in its place brings them all, of
 * the same type.
 * @throws {RouteError} `CHANNELBOX_BAD_MOUNT`
 */
function assertBrings(prefix: string, own: string): void {
  const brought = typesOf(prefix);
  const missing = [...typesOf(own)].filter(([name, type]) => brought.get(name) !== type).map(([name]) => name);
  if (missing.length === 0) return;
  throw new RouteError(
    'CHANNELBOX_BAD_MOUNT',
    `the prefix ${quote(prefix)} lacks ${missing.map((name) => `{${name}}`).join(', ')} of the router's own, ${quote(own)}, which its handlers count on; name it there too, with the same converter`,
  );
}

/** What each parameter of a path is for a handler. */
function typesOf(path: string): Map<string, 'number' | 'string'> {
  const fields = new Pattern(path).segments.filter((segment) => segment.kind === 'field');
  return new Map(
    fields.map(({ name, converter }) => [name, converter === 'int' || converter === 'float' ? 'number' : 'string']),
  );
}
