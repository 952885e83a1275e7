/** An address is shown without what is secret in it: user and password before the host, and what a query calls a token, a key or a password. */
export function masked(text: string): string {
  return text.replace(userBeforeHost, '$1***@').replace(secretInQuery, '$1***');
}

/** Up to the last `@` before a slash: passwords with an `@` in them are written too. */
const userBeforeHost = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"']*@/gi;
const secretInQuery =
  /([?&](?:access_?token|token|api_?key|key|secret|password|passwd|pwd|auth|authorization|signature|sig|jwt|session|sid|ticket)=)[^&\s#"']+/gi;

/**
 * What a client opens: path and query of the adapter behind those of the target, which may be a prefix that a proxy wants
 * and a query that lets one in. Neither replaces the other. User and password are left out: they travel as a header.
 */
export function addressFor(target: string, path: string): URL {
  const url = new URL(target);
  url.username = '';
  url.password = '';
  url.hash = '';
  if (path === '') return url;
  const own = new URL(path.replace(/^(?![/?])/, '/'), 'ws://host');
  if (!path.startsWith('?')) url.pathname = url.pathname.replace(/\/$/, '') + own.pathname;
  if (own.search !== '') url.search = url.search === '' ? own.search : `${url.search}&${own.search.slice(1)}`;
  return url;
}

/** The header that user and password of an address stand for (RFC 7617); none where it has none. */
export function authorizationOf(target: string): Readonly<Record<string, string>> {
  const { username, password } = new URL(target);
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** What is wrong with the scheme of an address, in a sentence with what to write; undefined where nothing is. */
export function schemeProblem(text: string): string | undefined {
  const { protocol } = new URL(text);
  if (protocol === 'ws:' || protocol === 'wss:') return undefined;
  const came = JSON.stringify(masked(text));
  const meant = { 'http:': 'ws', 'https:': 'wss' }[protocol];
  if (meant === undefined) return `${came} is ${protocol}; ws:// or wss:// is due`;
  return `${came} is ${protocol}; a WebSocket lives at ${meant}:// on the same host and port: ${meant}${masked(text).slice(protocol.length - 1)}`;
}
