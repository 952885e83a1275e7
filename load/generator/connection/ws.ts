import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import WebSocket, { type ClientOptions } from 'ws';
import type { DialedConnection, ConnectionOwner, DialOptions, DialTls } from './connection.ts';

interface WsSocket extends WebSocket {
  channelboxOwner?: WsConnection;
}

/** Opens a WebSocket with npm `ws`: the client that checks everything the protocol demands. */
export function dialWs(options: DialOptions, owner: ConnectionOwner): DialedConnection {
  return new WsConnection(options, owner);
}

class WsConnection implements DialedConnection {
  readonly #owner: ConnectionOwner;
  readonly #socket: WsSocket;
  #state: 'upgrading' | 'open' | 'ended' = 'upgrading';

  constructor(options: DialOptions, owner: ConnectionOwner) {
    this.#owner = owner;
    const { url, address, localAddress, subprotocols, headers, tls, compression } = options;
    const socket: WsSocket = new WebSocket(url, subprotocols === undefined ? [] : [...subprotocols], {
      // Everything is deflated once it is asked for, so that what is measured is what was asked for.
      perMessageDeflate: compression ? { threshold: 0 } : false,
      skipUTF8Validation: true,
      ...tlsOptionsOf(tls),
      lookup: (_host, { all }, callback) => {
        const family = isIP(address);
        if (all === true) callback(null, [{ address, family }]);
        else callback(null, address, family);
      },
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(headers === undefined ? {} : { headers: { ...headers } }),
    });
    this.#socket = socket;
    socket.channelboxOwner = this;
    socket.on('open', onOpen);
    socket.on('message', onMessage);
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.on('unexpected-response', onUnexpectedResponse);
  }

  send(data: string | Uint8Array): void {
    if (this.#state === 'open') this.#socket.send(data);
  }

  close(code: number): void {
    this.#socket.close(code);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  opened(): void {
    this.#state = 'open';
    this.#owner.opened();
  }

  message(data: Buffer, isBinary: boolean): void {
    this.#owner.frame({ bytes: data, start: 0, end: data.length, isText: !isBinary });
  }

  failed(error: NodeJS.ErrnoException): void {
    if (this.#state !== 'upgrading') return;
    this.#state = 'ended';
    this.#owner.refused(error.code ?? 'bad-handshake', error.message);
  }

  answered(status: number, message: string): void {
    if (this.#state !== 'upgrading') return;
    this.#state = 'ended';
    this.#owner.refused(`http-${status}`, `the upgrade was answered with ${status} ${message}`);
    this.#socket.terminate();
  }

  ended(code: number): void {
    const before = this.#state;
    this.#state = 'ended';
    if (before === 'open') this.#owner.closed(code);
    else if (before === 'upgrading')
      this.#owner.refused('ECONNRESET', 'the connection ended before the upgrade was answered');
  }
}

/** `ws` hands on to Node's TLS what it does not know itself. */
function tlsOptionsOf(tls: DialTls | undefined): ClientOptions {
  if (tls === undefined) return {};
  const { context, servername, insecure } = tls;
  return Object.assign(
    { secureContext: context, rejectUnauthorized: !insecure },
    servername === undefined ? {} : { servername },
  );
}

// One function for all sockets: `ws` calls each with the socket as `this`.

function onOpen(this: WsSocket): void {
  this.channelboxOwner?.opened();
}

function onMessage(this: WsSocket, data: WebSocket.RawData, isBinary: boolean): void {
  this.channelboxOwner?.message(data as Buffer, isBinary);
}

function onError(this: WsSocket, error: NodeJS.ErrnoException): void {
  this.channelboxOwner?.failed(error);
}

function onClose(this: WsSocket, code: number): void {
  this.channelboxOwner?.ended(code);
}

function onUnexpectedResponse(this: WsSocket, _request: unknown, response: IncomingMessage): void {
  this.channelboxOwner?.answered(response.statusCode ?? 0, response.statusMessage ?? '');
}
