import type { Middleware, WebSocket } from 'channelbox';
import { jwtVerify, type CryptoKey, type JWTPayload, type KeyObject } from 'jose';

declare module 'channelbox' {
  interface State {
    user?: { readonly name: string };
  }
}

export interface TokenRules {
  /** A public key of the issuer; of several, `createRemoteJWKSet` of jose in its place. */
  readonly key: CryptoKey | KeyObject | Uint8Array;
  readonly issuer: string;
  readonly audience: string;
}

/** How a token is asked for as a subprotocol: `new WebSocket(url, ['chat', 'bearer.eyJ…'])`. */
const offered = 'bearer.';

/**
 * Lets in who brings a valid token, and lets go of them when it runs out.
 *
 * A program sends it in `Authorization`. A browser cannot: it has a cookie (same site, so the origin check matters), a
 * subprotocol, or the query. **A token in the query stands in the logs of every proxy on the way**: let it be good for
 * seconds and for one connection only.
 */
export function signedIn(rules: TokenRules): Middleware {
  return async (ws, next) => {
    const token = tokenOf(ws);
    const payload = token === undefined ? undefined : await verified(ws, token, rules);
    if (payload?.sub === undefined) return ws.deny(401);
    ws.state.user = { name: payload.sub };
    ws.closeAt(payload.exp ?? null, 4401, 'the token has run out');
    await next();
  };
}

/** A fresh token for an open connection. @returns whether it is valid, and the same user's */
export async function renew(ws: WebSocket, token: string, rules: TokenRules): Promise<boolean> {
  const payload = await verified(ws, token, rules);
  if (payload === undefined || payload.sub !== ws.state.user?.name) return false;
  ws.closeAt(payload.exp ?? null, 4401, 'the token has run out');
  return true;
}

function tokenOf(ws: WebSocket): string | undefined {
  const header = /^Bearer (\S+)$/i.exec(ws.headers.get('authorization') ?? '')?.[1];
  const cookie = /(?:^|;\s*)token=([^;\s]+)/.exec(ws.headers.get('cookie') ?? '')?.[1];
  const subprotocol = ws.subprotocols.find((name) => name.startsWith(offered))?.slice(offered.length);
  return header ?? cookie ?? subprotocol ?? ws.query.get('token') ?? undefined;
}

/** The algorithm is ours to choose, never the token's. */
async function verified(ws: WebSocket, token: string, rules: TokenRules): Promise<JWTPayload | undefined> {
  const { key, issuer, audience } = rules;
  const currentDate = new Date(ws.app.clock.now());
  const requiredClaims = ['sub', 'exp'];
  try {
    const { payload } = await jwtVerify(token, key, {
      issuer,
      audience,
      currentDate,
      requiredClaims,
      algorithms: ['HS256', 'EdDSA'],
    });
    return payload;
  } catch {
    return undefined;
  }
}
