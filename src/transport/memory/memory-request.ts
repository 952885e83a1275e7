import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

/**
 * Makes Node's own kind of request of the facts that a client without a network brings, for session stores and whatever else
 * is written for `node:http`. Its socket is connected to nobody.
 */
export function memoryRequest(
  target: string,
  headers: readonly (readonly [string, string])[],
  client: { readonly host: string; readonly port: number },
): IncomingMessage {
  const socket = new Socket();
  Object.defineProperties(socket, {
    remoteAddress: { value: client.host },
    remotePort: { value: client.port },
    remoteFamily: { value: client.host.includes(':') ? 'IPv6' : 'IPv4' },
  });
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = target;
  request.httpVersion = '1.1';
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.rawHeaders = headers.flat();
  request.headers = joined(headers);
  request.push(null);
  return request;
}

/** As node:http has them: names in lower case, a second `Host` or `Origin` ignored, cookies joined by `; ` and the rest by `, `. */
function joined(headers: readonly (readonly [string, string])[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [given, value] of headers) {
    const name = given.toLowerCase();
    const before = Object.hasOwn(found, name) ? found[name] : undefined;
    if (before === undefined) found[name] = value;
    else if (!single.includes(name)) found[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return found;
}

const single: readonly string[] = ['host', 'origin', 'authorization', 'user-agent', 'referer', 'content-type'];
