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
    this.#scope ??= this.#makeScope();
    return this.#scope;
  }

  #makeScope(): Scope {
    const { url, subprotocols } = this;
    const { client, headers } = this.#upgrade;
    const state = this.#state;
    return {
      type: 'websocket',
      path: url.pathname,
      headers: headers.map(([name, value]) => [name.toLowerCase(), value] as const),
      queryString: url.search.slice(1),
      queryParams: url.searchParams,
      pathParams: this.#params as Readonly<Record<string, string | number>>,
      client,
      subprotocols,
      get user() {
        return (state() as { user?: Scope['user'] }).user as Scope['user'];
      },
    };
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
