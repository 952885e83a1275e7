/**
 * A handshake is answered by these rules, and a value asked whether it is an answer, of whichever realm or package.
 */
import { HandshakeError } from '../errors.ts';
import type { HeadersLike } from '../api.ts';
import type { Upgrade } from '../transport/transport.ts';
import { offeredSubprotocols } from './request.ts';

export interface AcceptOptions {
  subprotocol?: string;
  headers?: HeadersLike;
}

export interface AcceptAnswer {
  subprotocol?: string;
  headers?: readonly (readonly [string, string])[];
}

/** Headers of the handshake itself (RFC 6455 §4.2.2), which are the transport's. */
const reserved: readonly string[] = ['connection', 'upgrade', 'content-length', 'transfer-encoding'];

/** @throws {HandshakeError} `CHANNELBOX_SUBPROTOCOL_NOT_OFFERED`, `CHANNELBOX_ACCEPT_HEADER` */
export function acceptAnswer(upgrade: Upgrade, options: AcceptOptions): AcceptAnswer {
  const answer: AcceptAnswer = {};
  const { subprotocol, headers } = options;
  if (subprotocol !== undefined) {
    const offered = offeredSubprotocols(upgrade);
    if (!offered.includes(subprotocol)) {
      throw new HandshakeError(
        'CHANNELBOX_SUBPROTOCOL_NOT_OFFERED',
        `accept() names the subprotocol '${subprotocol}', the client offered ${offered.length === 0 ? 'none' : offered.join(', ')}; choose from ws.subprotocols`,
      );
    }
    answer.subprotocol = subprotocol;
  }
  if (headers !== undefined) answer.headers = checkedHeaders(headers);
  return answer;
}

function checkedHeaders(headers: HeadersLike): (readonly [string, string])[] {
  let pairs: Headers;
  try {
    pairs = new Headers(headers as ConstructorParameters<typeof Headers>[0]);
  } catch (error) {
    throw new HandshakeError(
      'CHANNELBOX_ACCEPT_HEADER',
      `accept() has a header that HTTP does not allow: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  for (const [name] of pairs) {
    if (!reserved.includes(name) && !name.startsWith('sec-websocket-')) continue;
    throw new HandshakeError(
      'CHANNELBOX_ACCEPT_HEADER',
      `accept() sets the header ${name}, which belongs to the handshake; choose a subprotocol by its own option`,
    );
  }
  return [...pairs];
}

/** Whether it is an answer to a request, of whichever realm or package; asking throws for nothing. */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return value instanceof Response || Object.prototype.toString.call(value) === '[object Response]';
  } catch {
    return false;
  }
}

/** @throws {HandshakeError} `CHANNELBOX_DENY_STATUS` for a status that is no refusal, `CHANNELBOX_DENY_BODY` */
export function denyResponse(response: Response | number): Response {
  const status = typeof response === 'number' ? response : response.status;
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new HandshakeError('CHANNELBOX_DENY_STATUS', `deny() came with status ${status}; allowed are 300–599`);
  }
  if (typeof response === 'number') return new Response(null, { status });
  if (response.bodyUsed || response.body?.locked === true) {
    throw new HandshakeError(
      'CHANNELBOX_DENY_BODY',
      'deny() came with a Response whose body is read already; clone it',
    );
  }
  return response;
}
