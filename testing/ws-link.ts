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

/** A client over a real socket, by npm `ws`. */
export class WsLink implements Link {
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  #hasOpened = false;
  #isOver = false;
  isPaused = false;

  constructor(request: LinkRequest, events: LinkEvents, options: WsLinkOptions) {
    this.#events = events;
    const { onPort } = options;
    const clientOptions: ClientOptions = {
      headers: Object.fromEntries(request.headers),
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
    this.#socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.#socket.resume();
  }

  #listen(): void {
    const socket = this.#socket;
    let headers = new Headers();
    socket.on('upgrade', (response) => {
      headers = headersOf(response);
    });
    socket.on('open', () => {
      this.#hasOpened = true;
      this.#events.opened({ subprotocol: socket.protocol, headers });
    });
    socket.on('unexpected-response', (_request, response) => {
      this.#isOver = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        this.#events.refused({ status: response.statusCode ?? 0, headers: headersOf(response), body });
      });
    });
    socket.on('message', (data: Buffer, isBinary) => {
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

function headersOf(response: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < response.rawHeaders.length; at += 2) {
    headers.append(response.rawHeaders[at] as string, response.rawHeaders[at + 1] as string);
  }
  return headers;
}
