import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket as WsWebSocket, WebSocketServer, type ServerOptions } from 'ws';
import type { Turn } from '../turn.ts';
import { Batch } from './batch.ts';
import { deflated, framed, type EncodeCounts } from './encode.ts';
import type { Frame } from './frame.ts';
import { refusalOf } from './request-check.ts';
import type { Message, Upgrade, UpgradeAnswer, Wire, WireEvents } from './transport.ts';
import { NodeUpgrade, pathOf, refuse } from './upgrade.ts';

/** What the transport needs of the app that it serves. */
export interface NodeTransportHost {
  handle(upgrade: Upgrade): Promise<void>;
  /** Whether some route takes this path. */
  matches(path: string): boolean;
  readonly turn: Turn;
}

export interface NodeTransportOptions {
  compression?: boolean;
  /** What a socket is sent within a turn leaves in one write. Off only to measure what that is worth. Default true. */
  joins?: boolean;
  /** Writes through ws's own `send`, as it does where ws's insides are not as expected. Default false. */
  forcesSend?: boolean;
}

export interface TransportCounts extends EncodeCounts {
  /** Writes handed to a socket for data frames. */
  writes: number;
}

/** Past it what has been joined is written before more is added. */
const joinedBytesMax = 64 * 1024;
/** Past it a peer that does not read its pongs gets no more of them. */
const pongBytesMax = 64 * 1024;
const payloadBytesMax = 1024 * 1024;

/** WebSockets over any `http.Server`, on npm `ws`: upgrades in, one write per socket and turn out. */
export class NodeTransport {
  readonly counts: TransportCounts = { framings: 0, deflates: 0, writes: 0 };
  readonly joins: boolean;
  readonly forcesSend: boolean;
  readonly #host: NodeTransportHost;
  readonly #compresses: boolean;
  /** One for each payload limit: ws takes it per server. */
  readonly #servers = new Map<number, WebSocketServer>();
  readonly #attached = new Map<
    HttpServer | HttpsServer,
    (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  >();
  #answer: UpgradeAnswer | undefined = undefined;
  #responseHeaders: readonly string[] = [];
  #dirty: NodeWire[] = [];
  #plain = Batch.root();
  #deflating = Batch.root();

  constructor(host: NodeTransportHost, options: NodeTransportOptions = {}) {
    const { compression = false, joins = true, forcesSend = false } = options;
    this.#host = host;
    this.#compresses = compression;
    this.joins = joins;
    this.forcesSend = forcesSend;
  }

  /** @param options.unmatched 'ignore' leaves what no route takes to the server's other listeners. */
  attach(server: HttpServer | HttpsServer, options: { unmatched?: 'deny' | 'ignore' } = {}): void {
    const { unmatched = 'deny' } = options;
    if (this.#attached.has(server)) return;
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      // Nobody else would answer it where we are alone.
      const mayIgnore = unmatched === 'ignore' && server.listenerCount('upgrade') > 1;
      if (mayIgnore && !this.#isOurs(request)) return;
      this.#upgrade(request, socket, head);
    };
    this.#attached.set(server, onUpgrade);
    server.on('upgrade', onUpgrade);
  }

  /** Takes no further upgrades; open sockets stay. */
  detach(): void {
    for (const [server, onUpgrade] of this.#attached) server.off('upgrade', onUpgrade);
    this.#attached.clear();
  }

  readonly #open = (
    request: IncomingMessage,
    socket: Socket,
    answer: UpgradeAnswer & { head: Buffer },
  ): Wire | undefined => {
    const server = this.#serverFor(answer.maxPayloadBytes ?? payloadBytesMax);
    let wire: NodeWire | undefined;
    this.#answer = answer;
    server.handleUpgrade(request, socket, answer.head, (opened) => {
      wire = opened as NodeWire;
    });
    this.#answer = undefined;
    wire?.opened(socket, this.#responseHeaders);
    return wire;
  };

  /** Where a socket stands that has sent nothing in this turn. */
  start(deflates: boolean): Batch {
    return deflates ? this.#deflating : this.#plain;
  }

  markDirty(wire: NodeWire): void {
    if (this.#dirty.push(wire) === 1) this.#host.turn.atEnd(this.#flush);
  }

  readonly #flush = (): void => {
    const wires = this.#dirty;
    this.#dirty = [];
    this.#plain = Batch.root();
    this.#deflating = Batch.root();
    for (const wire of wires) wire.endTurn();
  };

  #isOurs(request: IncomingMessage): boolean {
    return request.headers.upgrade?.toLowerCase() === 'websocket' && this.#host.matches(pathOf(request.url ?? '/'));
  }

  #upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    const refusal = refusalOf(request);
    if (refusal !== undefined) return refuse(socket, refusal);
    void this.#host.handle(new NodeUpgrade(request, socket, { open: this.#open, head }));
  }

  #serverFor(maxPayload: number): WebSocketServer {
    let server = this.#servers.get(maxPayload);
    if (server !== undefined) return server;
    const options = {
      noServer: true,
      clientTracking: false,
      WebSocket: NodeWire,
      maxPayload,
      // Answered by `NodeWire` itself, which spares a closure a socket.
      autoPong: false,
      perMessageDeflate: this.#compresses
        ? { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 }
        : false,
      handleProtocols: () => this.#answer?.subprotocol ?? false,
      transport: this,
    };
    server = new WebSocketServer(options as unknown as ServerOptions);
    server.on('headers', (lines: string[]) => {
      for (const [name, value] of this.#answer?.headers ?? []) lines.push(`${name}: ${value}`);
      this.#responseHeaders = lines;
    });
    this.#servers.set(maxPayload, server);
    return server;
  }
}

/** ws's inside as `NodeWire` expects it: a sender that holds nothing back. */
interface SenderInside {
  readonly _state?: unknown;
  readonly _firstFragment?: unknown;
}

/**
 * A socket of ws that is a wire itself: no object, listener or closure is added to what ws makes.
 *
 * Data frames are written past ws's own queue, together, at the end of the turn; control frames stay ws's. That is
 * safe while nothing compressed or fragmented is in flight, which only ws's own `send` could begin; where its insides
 * cannot be seen, or are busy, frames go through `send`.
 */
class NodeWire extends WsWebSocket implements Wire {
  readonly #transport: NodeTransport;
  #socket: Socket | undefined = undefined;
  #events: WireEvents | undefined = undefined;
  /** What came before anyone listened. */
  #early: Message[] | undefined = undefined;
  #batch: Batch | undefined = undefined;
  #isDirty = false;
  #deflates = false;
  /** Of this turn, already handed to the socket. */
  #flushedBytes = 0;
  #drainWaiters: (() => void)[] | undefined = undefined;
  #protocolErrorCode = 0;
  #end: { code: number; reason: string; wasClean: boolean } | undefined = undefined;

  constructor(address: null, protocols: undefined, options: { transport: NodeTransport }) {
    // ws makes the server's side of a socket from no address; its types know only the client's.
    super(address as unknown as string, protocols, options as object);
    this.#transport = options.transport;
  }

  /** Called once, with the lines of the 101 answer. */
  opened(socket: Socket, responseHeaders: readonly string[]): void {
    this.#socket = socket;
    // A peer that wants a smaller window than a shared block is made with gets plain frames (RFC 7692 §7.1.2.1).
    this.#deflates = responseHeaders.some(
      (line) => /permessage-deflate/i.test(line) && !/server_max_window_bits/i.test(line),
    );
  }

  get bufferedBytes(): number {
    return this.waitingBytes + this.#flushedBytes + (this.#batch?.byteLength ?? 0);
  }

  get waitingBytes(): number {
    const waiting = (this.#socket?.writableLength ?? 0) - this.#flushedBytes;
    return waiting > 0 ? waiting : 0;
  }

  write(frame: Frame): 'sent' | 'queued' | 'closed' {
    const socket = this.#socket;
    if (this.readyState !== 1 || socket === undefined || !socket.writable) return 'closed';
    const isBehind = socket.writableLength > this.#flushedBytes;
    const { counts, joins } = this.#transport;
    const bytes = this.#deflates ? deflated(frame, counts) : framed(frame, counts);
    if (this.#batch !== undefined && this.#batch.byteLength + bytes.byteLength > joinedBytesMax) this.#flush();
    this.#batch = (this.#batch ?? this.#transport.start(this.#deflates)).followedBy(frame, bytes);
    if (!this.#isDirty) {
      this.#isDirty = true;
      this.#transport.markDirty(this);
    }
    if (!joins) this.#flush();
    return isBehind ? 'queued' : 'sent';
  }

  drained(): Promise<void> {
    if (this.#socket === undefined || this.bufferedBytes === 0 || this.#end !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      (this.#drainWaiters ??= []).push(resolve);
      if (!this.#isDirty) this.#tellWhenDrained();
    });
  }

  /** The turn is over: what it wrote leaves. */
  endTurn(): void {
    this.#isDirty = false;
    this.#flush();
    this.#flushedBytes = 0;
    if (this.#drainWaiters !== undefined) this.#tellWhenDrained();
  }

  listen(events: WireEvents): void {
    this.#events = events;
    const early = this.#early;
    this.#early = undefined;
    for (const message of early ?? []) events.frame(message);
    if (this.#end !== undefined) this.#tellEnd(this.#end);
  }

  /** Ours, the peer's answered by ws, and the one that ends a breach of protocol: all of them behind what was written. */
  override close(code?: number, reason?: string | Buffer): void {
    const isFirst = this.readyState === 1;
    if (isFirst) {
      this.#flush();
      this.#protocolErrorCode = code ?? 0;
    }
    super.close(code, reason);
    // ws answers the peer's close with what it brought: nothing, or bytes. Nothing more can come, though the peer may
    // keep its connection as long as ws lets it.
    if (isFirst && (code === undefined || reason instanceof Uint8Array)) this.#onClose(code ?? 1005, reason, true);
  }

  override ping(): void {
    if (this.readyState === 1) super.ping();
  }

  /** ws tells what happens by `emit`; taken here, it needs no listeners. */
  override emit(event: string | symbol, first?: unknown, second?: unknown): boolean {
    switch (event) {
      case 'message':
        this.#onMessage(first as Buffer, second as boolean);
        return true;
      case 'ping':
        if ((this.#socket?.writableLength ?? 0) < pongBytesMax && this.readyState === 1) this.pong(first);
        return true;
      case 'pong':
        this.#events?.pong();
        return true;
      case 'close':
        this.#onClose(first as number, second as Buffer, true);
        return true;
      case 'error':
        // ws has sent the close frame that fits; the peer may take its time, the app need not wait for it.
        this.#onClose(this.#protocolErrorCode || 1006, undefined, false);
        return true;
      default:
        return super.emit(event, first, second);
    }
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    // A copy: a slice would keep the whole chunk that was read alive, and be a Buffer.
    const message: Message = isBinary
      ? { type: 'bytes', data: new Uint8Array(data) }
      : { type: 'text', data: data.toString() };
    if (this.#events === undefined) (this.#early ??= []).push(message);
    else this.#events.frame(message);
  }

  #onClose(code: number, reason: string | Buffer | undefined, mayBeClean: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = { code, reason: reason?.toString() ?? '', wasClean: mayBeClean && code !== 1006 };
    this.#batch = undefined;
    this.#settleDrained();
    this.#tellEnd(this.#end);
  }

  #tellEnd({ code, reason, wasClean }: { code: number; reason: string; wasClean: boolean }): void {
    const events = this.#events;
    this.#events = undefined;
    events?.close(code, reason, wasClean);
  }

  #flush(): void {
    const batch = this.#batch;
    const socket = this.#socket;
    this.#batch = undefined;
    if (batch === undefined || socket === undefined || this.readyState !== 1 || !socket.writable) return;
    this.#flushedBytes += batch.byteLength;
    this.#transport.counts.writes += 1;
    if (this.#writesRaw) socket.write(batch.joined());
    else this.#sendThroughWs(batch, socket);
  }

  get #writesRaw(): boolean {
    if (this.#transport.forcesSend) return false;
    const sender = (this as { _sender?: SenderInside })._sender;
    return sender?._state === 0 && sender._firstFragment === true;
  }

  #sendThroughWs(batch: Batch, socket: Socket): void {
    socket.cork();
    for (const frame of batch.frames()) {
      const payload = typeof frame.data === 'string' ? Buffer.from(frame.data) : frame.data;
      this.send(payload, { binary: frame.type === 'bytes', compress: false });
    }
    socket.uncork();
  }

  #tellWhenDrained(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength === 0 || socket.destroyed) return this.#settleDrained();
    // 'drain' fires only past the high-water mark; an empty write ends when all before it has.
    const waiters = this.#drainWaiters;
    this.#drainWaiters = undefined;
    socket.write('', () => {
      for (const resolve of waiters ?? []) resolve();
    });
  }

  #settleDrained(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = undefined;
    for (const resolve of waiters ?? []) resolve();
  }
}
