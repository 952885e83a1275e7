import type { IncomingMessage } from 'node:http';

/** An HTTP answer to a request that is no opening handshake. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const keyPattern = /^[+/0-9A-Za-z]{22}==$/;
const hostPattern = /^(?:\[[0-9A-Fa-f:.]+\]|[-._~%0-9A-Za-z]+)(?::\d{1,5})?$/;
const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i;
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * What is wrong with an opening handshake (RFC 6455 §4.2.1), the first fault found; undefined: nothing.
 * @param knownHost a Host that has passed before, and need not be looked at again
 */
export function refusalOf(request: IncomingMessage, knownHost?: string): Refusal | undefined {
  const { headers, method } = request;
  if (method !== 'GET') {
    return { status: 405, message: `the method is ${method ?? ''}; a handshake is GET`, headers: { Allow: 'GET' } };
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return { status: 400, message: 'the Upgrade header is not "websocket"' };
  }
  if (headers.host === undefined) return { status: 400, message: 'there is no Host header' };
  if (!isPlainTarget(request.url ?? '') || !(headers.host === knownHost || isPlainHost(headers.host))) {
    return { status: 400, message: 'the request target or the Host header is not in plain form' };
  }
  const version = headers['sec-websocket-version'];
  if (version !== '13') {
    return {
      status: version === undefined ? 400 : 426,
      message: 'Sec-WebSocket-Version is not 13',
      headers: { 'Sec-WebSocket-Version': '13' },
    };
  }
  const key = headers['sec-websocket-key'];
  if (key === undefined || !keyPattern.test(key)) {
    return { status: 400, message: 'Sec-WebSocket-Key is missing, doubled or not 16 bytes in base64' };
  }
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
    return { status: 400, message: 'the handshake has a body' };
  }
  if (!areTokens(headers['sec-websocket-protocol'])) {
    return { status: 400, message: 'Sec-WebSocket-Protocol is empty, doubled or no list of tokens' };
  }
  return undefined;
}

/** A name or address and a port, that a URL can be made of: `ws.url` never fails later. */
function isPlainHost(host: string): boolean {
  return hostPattern.test(host) && URL.canParse(`ws://${host}`);
}

/** A path from the root, without what a URL parser would rewrite: dot segments, escaped or not, and backslashes. */
function isPlainTarget(target: string): boolean {
  if (!target.startsWith('/')) return false;
  // Nearly no path has any of what is looked for: not even its end is then.
  if (!target.includes('\\') && !target.includes('/.') && !target.includes('%')) return true;
  const path = target.split(/[?#]/, 1)[0] as string;
  return !path.includes('\\') && !dotSegment.test(path);
}

function areTokens(list: string | undefined): boolean {
  if (list === undefined) return true;
  const tokens = list.split(',').map((token) => token.trim());
  return tokens.every((token) => tokenPattern.test(token)) && new Set(tokens).size === tokens.length;
}
