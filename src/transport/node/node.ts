import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { WebSocketServer, type ServerOptions, type WebSocket as WsWebSocket } from 'ws';
import type { Turn } from '../../time/turn.ts';
import { TurnWriter, type TransportCounts } from './turn-writer.ts';
import { UpgradeListener, type UpgradeHost } from './upgrade-listener.ts';
import { sharesDeflate } from './encode.ts';
import type { UpgradeRequest } from './upgrade-request.ts';
import { NodeWire } from './node-wire.ts';
import type { UpgradeAnswer, Wire } from '../transport.ts';
import type { OpenSocket } from './upgrade.ts';

/** What the transport needs of the app that it serves. */
export interface NodeTransportHost extends UpgradeHost {
  readonly turn: Turn;
}

export interface NodeTransportOptions {
  compression?: boolean;
  /** What a socket is sent within a turn leaves in one write. Off only to measure what that is worth. Default true. */
  joins?: boolean;
  /** Leaves handshakes and sending to ws, as it does where ws's insides are not as expected. Default false. */
  forcesWs?: boolean;
}

const payloadBytesMax = 1024 * 1024;
const fragmentsMax = 16_384;

/** What ws calls a server; it serves nothing, but holds what its sockets have in common. */
interface LimitedServer {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly server: WebSocketServer;
}

interface Opening {
  readonly handshake: UpgradeRequest;
  readonly answer: UpgradeAnswer;
  readonly head: Buffer;
}

/** WebSockets come over any `http.Server`, on npm `ws`: upgrades in, one write per socket and turn out. */
export class NodeTransport {
  readonly #turnWriter: TurnWriter;
  readonly #listener: UpgradeListener;
  readonly #compresses: boolean;
  /** One for each pair of limits: ws takes them per server. */
  readonly #servers = new Map<string, LimitedServer>();
  /** Nearly all sockets of an app have the same limits as the one before. */
  #lastServer: LimitedServer | undefined = undefined;
  #answer: UpgradeAnswer | undefined = undefined;
  #opened: NodeWire | undefined = undefined;
  #responseHeaders: readonly string[] = [];

  constructor(host: NodeTransportHost, options: NodeTransportOptions = {}) {
    const { compression = false, joins = true, forcesWs = false } = options;
    this.#turnWriter = new TurnWriter(host.turn, { joins, forcesWs });
    this.#listener = new UpgradeListener(host, this.#open);
    this.#compresses = compression;
  }

  get counts(): TransportCounts {
    return this.#turnWriter.counts;
  }

  /** @param options.unmatched 'ignore' leaves what no route takes to the server's other listeners. */
  attach(server: HttpServer | HttpsServer, options?: { unmatched?: 'deny' | 'ignore' }): void {
    this.#listener.attach(server, options);
  }

  /** Takes no further upgrades; open sockets stay. */
  detach(): void {
    this.#listener.detach();
  }

  /** ws calls it at once, or not at all. */
  readonly #keepOpened = (opened: WsWebSocket): void => {
    this.#opened = opened as NodeWire;
  };

  readonly #open: OpenSocket = (handshake, answer, head) => {
    const server = this.#serverFor(answer.maxPayloadBytes ?? payloadBytesMax, answer.maxFragments ?? fragmentsMax);
    const { socket } = handshake;
    const isForWs = this.#turnWriter.forcesWs || !NodeWire.takesSockets || this.#mayDeflate(handshake);
    // Where somebody else reads the socket, ws says what is wrong.
    if (isForWs || socket.listenerCount('data') > 0) return this.#openThroughWs(server, { handshake, answer, head });
    if (!socket.readable || !socket.writable) return undefined;
    // What ws has made of our options: its own defaults, and ours.
    const { options } = server;
    const wire = new NodeWire(null, undefined, options);
    socket.write(handshake.agreement(answer));
    wire.take(socket, head, options);
    return wire;
  };

  #mayDeflate(handshake: UpgradeRequest): boolean {
    return this.#compresses && handshake.extensions !== undefined;
  }

  #openThroughWs(server: WebSocketServer, { handshake, answer, head }: Opening): Wire | undefined {
    const { request, socket } = handshake;
    this.#answer = answer;
    server.handleUpgrade(request, socket, head, this.#keepOpened);
    const wire = this.#opened;
    this.#answer = undefined;
    this.#opened = undefined;
    wire?.opened(socket, this.#compresses && sharesDeflate(this.#responseHeaders));
    return wire;
  }

  #serverFor(maxPayload: number, maxFragments: number): WebSocketServer {
    const last = this.#lastServer;
    if (last?.maxPayload === maxPayload && last.maxFragments === maxFragments) return last.server;
    const key = `${maxPayload} ${maxFragments}`;
    let limited = this.#servers.get(key);
    if (limited === undefined) {
      limited = { maxPayload, maxFragments, server: this.#makeServer(maxPayload, maxFragments) };
      this.#servers.set(key, limited);
    }
    this.#lastServer = limited;
    return limited.server;
  }

  #makeServer(maxPayload: number, maxFragments: number): WebSocketServer {
    const options = {
      noServer: true,
      clientTracking: false,
      WebSocket: NodeWire,
      // To ws, 0 is without bound.
      maxPayload: Number.isFinite(maxPayload) ? maxPayload : 0,
      maxFragments: Number.isFinite(maxFragments) ? maxFragments : 0,
      // Answered by `NodeWire` itself, which spares a closure a socket.
      autoPong: false,
      perMessageDeflate: this.#compresses
        ? { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 }
        : false,
      handleProtocols: () => this.#answer?.subprotocol ?? false,
      turnWriter: this.#turnWriter,
    };
    const server = new WebSocketServer(options as unknown as ServerOptions);
    server.on('headers', (lines: string[]) => {
      const headers = this.#answer?.headers;
      if (headers !== undefined) for (const [name, value] of headers) lines.push(`${name}: ${value}`);
      if (this.#compresses) this.#responseHeaders = lines;
    });
    return server;
  }
}
