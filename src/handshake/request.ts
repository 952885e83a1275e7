import type { Params, Scope, State } from '../api.ts';
import type { Upgrade } from '../transport/transport.ts';

/** A handler may ask this about the request. Each answer is made when first asked for: an idle socket pays for none. */
export class RequestView {
  readonly #upgrade: Upgrade;
  readonly #params: Params;
  readonly #state: () => State;
  #url: URL | undefined;
  #headers: Headers | undefined;
  #subprotocols: readonly string[] | undefined;
  #scope: Scope | undefined;

  constructor(upgrade: Upgrade, params: Params, state: () => State) {
    this.#upgrade = upgrade;
    this.#params = params;
    this.#state = state;
  }

  get url(): URL {
    this.#url ??= new URL(this.#upgrade.url);
    return this.#url;
  }

  get headers(): Headers {
    this.#headers ??= new Headers(this.#upgrade.headers.map(([name, value]): [string, string] => [name, value]));
    return this.#headers;
  }

  get subprotocols(): readonly string[] {
    this.#subprotocols ??= offeredSubprotocols(this.#upgrade);
    return this.#subprotocols;
  }

  get scope(): Scope {
    this.#scope ??= new RequestScope(this, { upgrade: this.#upgrade, params: this.#params, state: this.#state });
    return this.#scope;
  }
}

export function offeredSubprotocols(upgrade: Upgrade): readonly string[] {
  const offered: string[] = [];
  for (const [name, value] of upgrade.headers) {
    if (name.toLowerCase() !== 'sec-websocket-protocol') continue;
    for (const part of value.split(',')) if (part.trim() !== '') offered.push(part.trim());
  }
  return offered;
}

export function headerOf(upgrade: Upgrade, wanted: string): string | undefined {
  if (upgrade.header !== undefined) return upgrade.header(wanted);
  for (const [name, value] of upgrade.headers) if (name.toLowerCase() === wanted) return value;
  return undefined;
}

/**
 * A request as ASGI has it. `user` is its own, so that comparing, spreading and JSON see it, by one getter for all: one in an
 * object literal would keep what it closes over alive for long.
 */
class RequestScope implements Scope {
  static readonly #own: PropertyDescriptor & ThisType<RequestScope> = {
    enumerable: true,
    get: function (this: RequestScope) {
      return (this.#state() as { user?: Scope['user'] }).user;
    },
  };
  declare readonly user: Scope['user'];
  readonly type = 'websocket';
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly queryString: string;
  readonly queryParams: URLSearchParams;
  readonly pathParams: Readonly<Record<string, string | number>>;
  readonly client: Upgrade['client'];
  readonly subprotocols: readonly string[];
  readonly #state: () => State;

  constructor(
    { url, subprotocols }: RequestView,
    { upgrade, params, state }: { readonly upgrade: Upgrade; readonly params: Params; readonly state: () => State },
  ) {
    const { client, headers } = upgrade;
    this.path = url.pathname;
    this.headers = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
    this.queryString = url.search.slice(1);
    this.queryParams = url.searchParams;
    this.pathParams = params as Readonly<Record<string, string | number>>;
    this.client = client;
    this.subprotocols = subprotocols;
    this.#state = state;
    Object.defineProperty(this, 'user', RequestScope.#own);
  }
}
