/** This middleware turns away pages of origins that may not connect. */

/** Which browsers may connect: `'*'` for all, else origins besides the server's own. */
export type Origins = readonly (string | RegExp)[] | '*';

/**
 * Whether a browser's Origin may open a socket here (RFC 6455 §10.2; without this check any page can ride on a user's
 * cookies). The Origin must name the host that the request went to, unless it is listed. What is no browser sends no
 * Origin, and passes.
 */
export function isOriginAllowed(origin: string | undefined, host: string | undefined, origins: Origins): boolean {
  if (origin === undefined || origins === '*') return true;
  for (const allowed of origins) {
    if (typeof allowed === 'string' ? sameOrigin(allowed, origin) : matches(allowed, origin)) return true;
  }
  const from = hostOf(origin);
  // What cannot be read is nobody's: two of these are not the same.
  return host !== undefined && from !== undefined && from === normalHost(origin, host);
}

/** A RegExp is tested from its start each time, whatever its flags. */
function matches(allowed: RegExp, origin: string): boolean {
  allowed.lastIndex = 0;
  return allowed.test(origin);
}

function sameOrigin(allowed: string, origin: string): boolean {
  if (allowed === origin) return true;
  const given = URL.canParse(origin) ? new URL(origin) : undefined;
  return (
    given !== undefined && URL.canParse(allowed) && given.origin !== 'null' && new URL(allowed).origin === given.origin
  );
}

function hostOf(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined;
  const { host, protocol } = new URL(origin);
  return protocol === 'http:' || protocol === 'https:' ? host : undefined;
}

/** With the default port of the origin's scheme left out, as a browser leaves it out. */
function normalHost(origin: string, host: string): string | undefined {
  const candidate = `${origin.startsWith('https:') ? 'https' : 'http'}://${host}`;
  return URL.canParse(candidate) ? new URL(candidate).host : undefined;
}
