import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Message, Upgrade } from 'channelbox';
import { WebSocket as Client } from 'ws';
import { SystemClock } from '../../src/time/clock.ts';
import { NodeTransport, type NodeTransportOptions } from '../../src/transport/node/node.ts';
import { Turn } from '../../src/time/turn.ts';
import type {
  ClientRequest,
  ConformanceClient,
  HandshakeAnswer,
  TransportHarness,
  TransportSite,
} from '../../testing/conformance/transport.ts';

/** The Node transport over loopback, with clients of npm ws. */
export function nodeHarness(options: NodeTransportOptions = {}): TransportHarness {
  return {
    serve: async (handle) => {
      const site = new NodeSite(handle, options);
      await site.listen();
      return site;
    },
  };
}

class NodeSite implements TransportSite {
  readonly #server = createServer();
  readonly #transport: NodeTransport;
  readonly #clients: NodeClient[] = [];

  constructor(handle: (upgrade: Upgrade) => void, options: NodeTransportOptions) {
    const host = { handle, matches: () => true, turn: new Turn(new SystemClock()) };
    this.#transport = new NodeTransport(host, options);
    this.#transport.attach(this.#server);
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  connect(request: ClientRequest): ConformanceClient {
    const client = new NodeClient((this.#server.address() as AddressInfo).port, request);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.drop();
    this.#transport.detach();
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

class NodeClient implements ConformanceClient {
  answer: HandshakeAnswer | undefined;
  readonly received: Message[] = [];
  closed: { code: number; reason: string; wasClean: boolean } | undefined;
  readonly #socket: Client;

  constructor(port: number, { target, headers, subprotocols }: ClientRequest) {
    this.#socket = new Client(`ws://127.0.0.1:${port}${target}`, [...subprotocols], {
      headers: Object.fromEntries(headers),
    });
    this.#socket.on('upgrade', (response) => {
      this.answer = answerOf(response, '', response.headers['sec-websocket-protocol'] ?? '');
    });
    this.#socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        this.answer = answerOf(response, body, '');
      });
    });
    this.#socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.received.push(isBinary ? { type: 'bytes', data } : { type: 'text', data: data.toString() });
    });
    this.#socket.on('close', (code, reason) => {
      this.closed ??= { code, reason: reason.toString(), wasClean: code !== 1006 };
    });
    this.#socket.on('error', () => {});
  }

  send(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  drop(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

function answerOf(response: IncomingMessage, body: string, subprotocol: string): HandshakeAnswer {
  const headers = new Headers();
  for (let at = 0; at + 1 < response.rawHeaders.length; at += 2) {
    headers.append(response.rawHeaders[at] as string, response.rawHeaders[at + 1] as string);
  }
  return { status: response.statusCode ?? 0, headers, body, subprotocol };
}
