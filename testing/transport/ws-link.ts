import { connect, type Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { WebSocket, type ClientOptions } from 'ws';
import type { Link, LinkEvents, LinkRequest } from './link.ts';

export interface WsLinkOptions {
  /** `ws://host:port`, without a path. */
  readonly origin: string;
  /** The port that the client speaks from, known before its request leaves. */
  readonly onPort?: (port: number) => void;
}

/** A client goes over a real socket, by npm `ws`. */
export class WsLink implements Link {
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  readonly #offered: string | undefined;
  #hasOpened = false;
  #isOver = false;
  isPaused = false;

  constructor(request: LinkRequest, events: LinkEvents, options: WsLinkOptions) {
    this.#events = events;
    this.#offered = request.subprotocols[0];
    const { onPort } = options;
    const clientOptions: ClientOptions = {
      // Node takes several values of a name; the types of ws know one.
      headers: headersToSend(request.headers) as Record<string, never>,
      perMessageDeflate: false,
      skipUTF8Validation: false,
    };
    if (onPort !== undefined && options.origin.startsWith('ws:')) {
      clientOptions.createConnection = ((target: { host: string; port: number }) =>
        speakingFrom(connect({ host: target.host, port: target.port }), onPort)) as unknown as NonNullable<
        ClientOptions['createConnection']
      >;
    }
    this.#socket = new WebSocket(`${options.origin}${request.target}`, [...request.subprotocols], clientOptions);
    this.#listen();
  }

  send(data: string | Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  close(code: number | undefined, reason: string): void {
    this.#socket.close(code, reason);
  }

  drop(): void {
    this.#socket.terminate();
    this.#over(1006, '', false);
  }

  pause(): void {
    this.isPaused = true;
    if (this.#hasOpened && !this.#isOver) this.#socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    if (this.#hasOpened && !this.#isOver) this.#socket.resume();
  }

  #listen(): void {
    const socket = this.#socket;
    let headers = new Headers();
    let subprotocol = '';
    socket.on('upgrade', (response) => {
      headers = headersOf(response);
      subprotocol = headers.get('sec-websocket-protocol') ?? '';
      // A server may choose none of those offered (RFC 6455 §4.2.2); ws would end the connection over it.
      if (subprotocol === '') response.headers['sec-websocket-protocol'] = this.#offered;
    });
    socket.on('open', () => {
      this.#hasOpened = true;
      this.#events.opened({ subprotocol, headers });
    });
    socket.on('unexpected-response', (request, response) => {
      this.#isOver = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('close', () => {
        request.destroy();
        const body = Buffer.concat(chunks).toString();
        this.#events.refused({ status: response.statusCode ?? 0, headers: headersOf(response), body });
      });
    });
    socket.on('message', (data: Buffer, isBinary) => {
      // One that was dropped while it was paused reads on inside of ws.
      if (this.#isOver) return;
      this.#events.frame(
        isBinary ? { type: 'bytes', data: new Uint8Array(data) } : { type: 'text', data: data.toString() },
      );
    });
    socket.on('error', (error) => {
      if (!this.#hasOpened) this.#unreachable(error);
    });
    socket.on('close', (code, reason) => this.#over(code, reason.toString(), code !== 1006));
  }

  /** Nobody answered in HTTP: for a client that is a refusal like another, without a status. */
  #unreachable(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.refused({ status: 0, headers: new Headers(), body: error.message });
  }

  #over(code: number, reason: string, wasClean: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.closed(code, reason, wasClean);
  }
}

function speakingFrom(socket: Socket, onPort: (port: number) => void): Socket {
  socket.once('connect', () => onPort(socket.localPort ?? 0));
  return socket;
}

/** Those of one name together, as Node takes them. */
function headersToSend(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of pairs) (headers[name] ??= []).push(value);
  return headers;
}

function headersOf(response: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < response.rawHeaders.length; at += 2) {
    headers.append(response.rawHeaders[at] as string, response.rawHeaders[at + 1] as string);
  }
  return headers;
}
