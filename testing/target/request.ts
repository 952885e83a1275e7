import type { HeadersLike } from '../../src/index.ts';
import type { ConnectOptions } from '../client/client.ts';
import type { LinkRequest } from '../transport/link.ts';

/** A client sends this to be let in. */
export function requestOf(path: string, options: ConnectOptions): LinkRequest {
  const headers = pairsOf(options.headers ?? []);
  if (options.cookies !== undefined) {
    const cookies = Object.entries(options.cookies).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    headers.push(['Cookie', cookies.join('; ')]);
  }
  if (options.origin !== undefined) headers.push(['Origin', options.origin]);
  return {
    target: targetOf(path, options.query),
    headers,
    subprotocols: options.subprotocols ?? [],
    client: options.client,
  };
}

function targetOf(path: string, query: Readonly<Record<string, string>> | undefined): string {
  const target = encodeURI(path).replaceAll('%25', '%');
  if (query === undefined) return target;
  return `${target}${target.includes('?') ? '&' : '?'}${new URLSearchParams(query).toString()}`;
}

function pairsOf(headers: HeadersLike): [string, string][] {
  if (headers instanceof Headers || Array.isArray(headers)) {
    return Array.from(headers as Iterable<readonly [string, string]>, ([name, value]) => [name, value]);
  }
  return Object.entries(headers as Readonly<Record<string, string>>);
}
