import type { Socket } from 'node:net';
import { WebSocket as WsWebSocket, type ServerOptions } from 'ws';
import type { FrameRun } from './frame-run.ts';
import type { TurnWriter } from './turn-writer.ts';
import { unfinishedBytes, watchReads, type ReceiverInside } from './receiver.ts';
import { deflated, framed } from './encode.ts';
import type { Frame } from '../../protocol/frame.ts';
import type { Message, Wire, WireEvents } from '../transport.ts';

/** Past it what has been joined is written before more is added. */
const joinedBytesMax = 64 * 1024;
/** Past it a peer that does not read its pongs gets no more of them. */
const pongBytesMax = 64 * 1024;
/** Of a server's control frame (RFC 6455 §5.2). */
const pongHeadBytes = 2;

/** ws's insides as `NodeWire` expects them: it takes a socket, and its sender holds nothing back. */
interface SocketTaker {
  readonly setSocket?: (socket: Socket, head: Buffer, options: ServerOptions) => void;
}

interface SenderInside {
  readonly _state?: unknown;
  readonly _firstFragment?: unknown;
}

interface End {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** What few sockets ever need, apart from those that all do. */
interface Occasional {
  /** What came before anyone listened. */
  early?: Message[] | undefined;
  drainWaiters?: (() => void)[] | undefined;
  /** ws's own `send` was called, and may have begun what is not to be interrupted. */
  usesSend?: boolean;
  /** A message was unfinished when last looked at. */
  wasUnfinished?: boolean;
  /** Of the close frame that answers a breach of protocol. */
  protocolErrorCode?: number;
  end?: End;
}

/**
 * A socket of ws that is a wire itself: no object, listener or closure is added to what ws makes.
 *
 * Data frames are written past ws's own queue, together, at the end of the turn; control frames stay ws's. That is
 * safe while nothing compressed or fragmented is in flight, which only ws's own `send` could begin; where its insides
 * cannot be seen, or are busy, frames go through `send`.
 */
export class NodeWire extends WsWebSocket implements Wire {
  readonly #turnWriter: TurnWriter;
  #socket: Socket | undefined = undefined;
  #events: WireEvents | undefined = undefined;
  #frameRun: FrameRun | undefined = undefined;
  #isDirty = false;
  #deflates = false;
  /** Whether bytes may wait in the socket: where not, a fan-out need not look into it. */
  #mayWait = false;
  /** Of this turn, already handed to the socket. */
  #flushedBytes = 0;
  #occasional: Occasional | undefined = undefined;

  /** @param options of a `WebSocketServer`; with its turnWriter, which ws hands through */
  constructor(address: null, protocols: undefined, options: ServerOptions) {
    // ws makes the server's side of a socket from no address; its types know only the client's.
    super(address as unknown as string, protocols, options as object);
    this.#turnWriter = (options as unknown as { turnWriter: TurnWriter }).turnWriter;
  }

  /** Whether a handshake can be answered without ws's own server. */
  static get takesSockets(): boolean {
    return (WsWebSocket.prototype as SocketTaker).setSocket?.length === 3;
  }

  /** Takes a socket whose handshake has been answered; called once, in place of `opened`. */
  take(socket: Socket, head: Buffer, options: ServerOptions): void {
    (this as SocketTaker).setSocket?.(socket, head, options);
    this.opened(socket, false);
  }

  /** Called once, for a socket that ws has given it. */
  opened(socket: Socket, deflates: boolean): void {
    this.#socket = socket;
    this.#deflates = deflates;
    this.#turnWriter.writesRaw ??= !this.#turnWriter.forcesWs && this.#holdsNothingBack;
    // The answer to the handshake itself.
    this.#mayWait = socket.writableLength > 0;
    watchReads(this);
  }

  /** What was read has been taken in: is there the beginning of a message whose end has yet to come? */
  afterRead(receiver: ReceiverInside): void {
    const bytes = unfinishedBytes(receiver);
    if (bytes === 0 && this.#occasional?.wasUnfinished !== true) return;
    this.#rare.wasUnfinished = bytes > 0;
    this.#events?.unfinished?.(bytes, receiver._numFragments);
  }

  get isReleased(): boolean {
    return this.#socket === undefined || this.#socket.closed;
  }

  get bufferedBytes(): number {
    return this.waitingBytes + this.#flushedBytes + (this.#frameRun?.byteLength ?? 0);
  }

  get waitingBytes(): number {
    if (!this.#mayWait) return 0;
    const waiting = (this.#socket?.writableLength ?? 0) - this.#flushedBytes;
    if (waiting > 0) return waiting;
    if (this.#flushedBytes === 0) this.#mayWait = false;
    return 0;
  }

  write(frame: Frame): 'sent' | 'queued' | 'closed' {
    if (this.readyState !== 1) return 'closed';
    const isBehind = this.#mayWait && this.waitingBytes > 0;
    const turnWriter = this.#turnWriter;
    const bytes = this.#encoded(frame);
    let frameRun = this.#frameRun;
    if (frameRun === undefined) frameRun = turnWriter.start(this.#deflates);
    else if (frameRun.byteLength + (bytes?.byteLength ?? frame.byteLength) > joinedBytesMax) {
      this.#flush();
      frameRun = turnWriter.start(this.#deflates);
    }
    this.#frameRun = frameRun.followedBy(frame, bytes);
    if (!this.#isDirty) {
      this.#isDirty = true;
      turnWriter.add(this);
    }
    if (!turnWriter.joins) this.#flush();
    return isBehind ? 'queued' : 'sent';
  }

  drained(): Promise<void> {
    const isOver = this.#socket === undefined || this.#occasional?.end !== undefined;
    if (isOver || this.bufferedBytes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      (this.#rare.drainWaiters ??= []).push(resolve);
      if (!this.#isDirty) this.#tellWhenDrained();
    });
  }

  /** The turn is over: what it wrote leaves. */
  endTurn(): void {
    this.#isDirty = false;
    this.#flush();
    this.#flushedBytes = 0;
    if (this.#occasional?.drainWaiters !== undefined) this.#tellWhenDrained();
    if (this.#mayWait && this.waitingBytes > 0) this.#events?.behind?.();
  }

  /** The end of its turn is a visit already: another one, to see what is left, would cost as much again. */
  get tellsBehind(): boolean {
    return true;
  }

  listen(events: WireEvents): void {
    this.#events = events;
    const occasional = this.#occasional;
    if (occasional === undefined) return;
    const { early = [], end } = occasional;
    occasional.early = undefined;
    for (const message of early) events.frame(message);
    if (end !== undefined) this.#tellEnd(end);
  }

  /** Ours, the peer's answered by ws, and the one that ends a breach of protocol: all of them behind what was written. */
  override close(code?: number, reason?: string | Buffer): void {
    const isFirst = this.readyState === 1;
    if (isFirst) {
      this.#flush();
      this.#rare.protocolErrorCode = code ?? 0;
    }
    super.close(code, reason);
    // ws answers the peer's close with what it brought, nothing or bytes, and so it does where that is itself the answer to
    // ours. Nothing more can come, though the peer may keep its connection as long as ws lets it.
    if ((code === undefined || reason instanceof Uint8Array) && this.readyState >= 2)
      this.#onClose(code ?? 1005, reason, true);
  }

  override send(data: Parameters<WsWebSocket['send']>[0], ...rest: unknown[]): void {
    this.#rare.usesSend = true;
    super.send(data, ...(rest as [never]));
  }

  override ping(): void {
    if (this.readyState !== 1) return;
    super.ping();
    this.#mayWait = true;
  }

  /** ws tells what happens by `emit`; taken here, it needs no listeners. */
  override emit(event: string | symbol, first?: unknown, second?: unknown): boolean {
    switch (event) {
      case 'message':
        this.#onMessage(first as Buffer, second as boolean);
        return true;
      case 'ping':
        this.#onPing(first as Buffer);
        return true;
      case 'pong':
        this.#events?.pong();
        this.#events?.control?.(this.waitingBytes > 0);
        return true;
      case 'close':
        this.#onClose(first as number, second as Buffer, true);
        return true;
      case 'error':
        // ws has sent the close frame that fits; the peer may take its time, the app need not wait for it.
        this.#onClose(this.#occasional?.protocolErrorCode || 1006, undefined, false);
        return true;
      default:
        return super.emit(event, first, second);
    }
  }

  get #rare(): Occasional {
    this.#occasional ??= {};
    return this.#occasional;
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    // A copy: a slice would keep the whole chunk that was read alive, and be a Buffer.
    const message: Message = isBinary
      ? { type: 'bytes', data: new Uint8Array(data) }
      : { type: 'text', data: data.toString() };
    if (this.#events === undefined) (this.#rare.early ??= []).push(message);
    else this.#events.frame(message, data.byteLength);
  }

  #onPing(data: Buffer): void {
    if (this.readyState !== 1) return;
    this.#events?.ping?.();
    const isUnread = this.waitingBytes > 0;
    if ((this.#socket?.writableLength ?? 0) < pongBytesMax) {
      this.pong(data);
      this.#mayWait = true;
      // Of this turn, as data is: what is answered at once waits for nobody.
      this.#flushedBytes += data.byteLength + pongHeadBytes;
      if (!this.#isDirty) {
        this.#isDirty = true;
        this.#turnWriter.add(this);
      }
    }
    this.#events?.control?.(isUnread);
  }

  #onClose(code: number, reason: string | Buffer | undefined, mayBeClean: boolean): void {
    const rare = this.#rare;
    if (rare.end !== undefined) return;
    rare.end = { code, reason: reason?.toString() ?? '', wasClean: mayBeClean && code !== 1006 };
    this.#frameRun = undefined;
    this.#settleDrained();
    this.#tellEnd(rare.end);
  }

  #tellEnd({ code, reason, wasClean }: End): void {
    const events = this.#events;
    this.#events = undefined;
    // ws tells of the end of its own business, which may be sooner or later than the descriptor's.
    if (!this.isReleased) this.#socket?.once('close', () => events?.released?.());
    events?.close(code, reason, wasClean);
  }

  /** Undefined: its run encodes it. */
  #encoded(frame: Frame): Uint8Array | undefined {
    const { counts } = this.#turnWriter;
    if (this.#deflates) return deflated(frame, counts);
    if (!frame.isForOne) return framed(frame, counts);
    counts.framings += 1;
    return undefined;
  }

  #flush(): void {
    const frameRun = this.#frameRun;
    if (frameRun === undefined) return;
    this.#frameRun = undefined;
    const socket = this.#socket;
    // ws is open until its socket ends: the stream's own `writable` says no more, and takes 0.28 µs of a delivery.
    if (socket === undefined || this.readyState !== 1) return;
    this.#flushedBytes += frameRun.byteLength;
    this.#turnWriter.counts.writes += 1;
    if (this.#writesRaw) socket.write(frameRun.joined());
    else this.#sendThroughWs(frameRun, socket);
    // Where the kernel took all of it, nothing waits until the next write.
    this.#mayWait = socket.writableLength > 0;
  }

  get #writesRaw(): boolean {
    const turnWriter = this.#turnWriter;
    if (turnWriter.writesRaw && this.#occasional?.usesSend !== true) return true;
    return !turnWriter.forcesWs && this.#holdsNothingBack;
  }

  get #holdsNothingBack(): boolean {
    const sender = (this as { _sender?: SenderInside })._sender;
    return sender?._state === 0 && sender._firstFragment === true;
  }

  #sendThroughWs(frameRun: FrameRun, socket: Socket): void {
    socket.cork();
    for (const frame of frameRun.frames()) {
      const payload = typeof frame.data === 'string' ? Buffer.from(frame.data) : frame.data;
      this.send(payload, { binary: frame.type === 'bytes', compress: false });
    }
    socket.uncork();
  }

  #tellWhenDrained(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength === 0 || socket.destroyed) return this.#settleDrained();
    // 'drain' fires only past the high-water mark; an empty write ends when all before it has.
    const waiters = this.#occasional?.drainWaiters ?? [];
    if (this.#occasional !== undefined) this.#occasional.drainWaiters = undefined;
    socket.write('', () => {
      for (const resolve of waiters) resolve();
    });
  }

  #settleDrained(): void {
    const waiters = this.#occasional?.drainWaiters;
    if (waiters === undefined || this.#occasional === undefined) return;
    this.#occasional.drainWaiters = undefined;
    for (const resolve of waiters) resolve();
  }
}
