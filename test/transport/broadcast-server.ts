import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, consumer, type WebSocket } from 'channelbox';
import { WebSocket as Client, type ClientOptions } from 'ws';
import type { Box } from '../../src/channel/box.ts';
import { NodeTransport, type NodeTransportOptions } from '../../src/transport/node/node.ts';
import { Gate } from '../gate.ts';

export const room = 'room';

/** What one client was sent, in order, and how it ended. */
export class Listener {
  readonly received: string[] = [];
  readonly ended: Promise<{ code: number; reason: string }>;
  readonly client: Client;
  #awaited = 0;
  #gate: Gate | undefined;

  constructor(client: Client) {
    this.client = client;
    client.on('message', (data, isBinary) => {
      this.received.push(isBinary ? `bytes ${(data as Buffer).toString()}` : (data as Buffer).toString());
      if (this.received.length >= this.#awaited) this.#gate?.open();
    });
    this.ended = new Promise((resolve) => {
      client.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** Resolves when it has been sent so many messages in all. */
  has(count: number): Promise<void> {
    this.#awaited = count;
    this.#gate = new Gate();
    if (this.received.length >= count) this.#gate.open();
    return this.#gate.promise;
  }
}

export interface ServerOptions extends NodeTransportOptions {
  /** The limit of what may wait for a peer. */
  readonly heldBytes?: number;
  readonly origins?: '*';
}

/** A server over TCP whose sockets all join one group, and clients of npm ws that listen. */
export class BroadcastServer implements AsyncDisposable {
  readonly app: App;
  readonly transport: NodeTransport;
  /** The server's side of each listener, in the order of connecting. */
  readonly sockets: WebSocket[] = [];
  readonly listeners: Listener[] = [];
  readonly #server: Server;
  /** Open once the socket that is due has joined. */
  #joined = new Gate();

  private constructor(server: Server, options: ServerOptions) {
    const { compression = false, heldBytes, origins = [] } = options;
    this.#server = server;
    this.app = new App({
      compression,
      origins,
      limits: heldBytes === undefined ? {} : { maxBufferedBytes: heldBytes },
    });
    const { sockets } = this;
    const hasJoined = (): void => this.#joined.open();
    this.app.addWsRoute(
      consumer('/', {
        encoding: 'text',
        async onConnect(ws) {
          await ws.accept();
          await ws.join(room);
          sockets.push(ws);
          hasJoined();
        },
      }),
    );
    this.transport = new NodeTransport(
      {
        turn: (this.app.channelBox as Box).scheduler.turn,
        handle: (upgrade) => this.app.handle(upgrade),
        matches: () => true,
      },
      options,
    );
    this.transport.attach(server);
  }

  static async start(options: ServerOptions = {}): Promise<BroadcastServer> {
    const server = createServer();
    const started = new BroadcastServer(server, options);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when a socket has joined that `connect` did not open. */
  hasJoined(): Promise<void> {
    this.#joined = new Gate();
    return this.#joined.promise;
  }

  /** One after the other, so that the n-th listener is the n-th socket. */
  async connect(count: number, options: Pick<ClientOptions, 'perMessageDeflate'> = {}): Promise<readonly Listener[]> {
    for (let left = count; left > 0; left -= 1) {
      const client = new Client(`ws://127.0.0.1:${this.port}/`, { perMessageDeflate: false, ...options });
      const joined = this.hasJoined();
      this.listeners.push(new Listener(client));
      await new Promise((resolve, reject) => {
        client.on('open', resolve);
        client.on('error', reject);
      });
      await joined;
    }
    return this.listeners.slice(-count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client } of this.listeners) client.terminate();
    this.transport.detach();
    await this.app.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
