import type { Frame, Message, Wire, WireEvents } from '../../../src/index.ts';
import type { World } from './world.ts';

/** What travels to the client. */
export type DownItem =
  | { readonly kind: 'frame'; readonly frame: Frame; readonly bytes: number }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'cut' };

/** The connection that a wire is the server's end of. */
export interface WireHost {
  readonly world: World;
  /** The node is gone: nothing is written any more. */
  readonly isFenced: boolean;
  send(item: DownItem): void;
  /** Runs what may call the app, in an event of its own. */
  enter(afterMs: number, run: () => void): void;
  onServerClose(code: number): void;
  onGone(code: number): void;
}

/**
 * This wire is the server's end of one connection. Up to `windowBytes` that the client has not read are on their way;
 * what is beyond waits here, behind whatever waits already.
 */
export class SimWire implements Wire {
  readonly #host: WireHost;
  readonly #payloadBytesMax: number;
  #events: WireEvents | undefined = undefined;
  #isPaused = false;
  /** Came while nobody listened or read. */
  #unread: (() => void)[] | undefined = undefined;
  #isCatchingUp = false;
  #turn: Frame[] | undefined = undefined;
  #turnBytes = 0;
  #waiting: DownItem[] | undefined = undefined;
  #waitingBytes = 0;
  #unreadBytes = 0;
  #hasSentClose = false;
  #hasEnded = false;
  #drainWaiters: (() => void)[] | undefined = undefined;

  constructor(host: WireHost, payloadBytesMax: number) {
    this.#host = host;
    this.#payloadBytesMax = payloadBytesMax;
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#turnBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  write(frame: Frame): 'sent' | 'queued' | 'closed' {
    if (this.#hasSentClose || this.#hasEnded || this.#host.isFenced) return 'closed';
    if (this.#turn === undefined) {
      this.#turn = [frame];
      this.#host.world.flushAtEnd(this);
    } else this.#turn.push(frame);
    this.#turnBytes += frame.byteLength;
    return this.#waitingBytes > 0 ? 'queued' : 'sent';
  }

  drained(): Promise<void> {
    if (this.bufferedBytes === 0 || this.#hasEnded) return Promise.resolve();
    return new Promise((resolve) => {
      (this.#drainWaiters ??= []).push(resolve);
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#unread !== undefined && this.#events !== undefined) this.#host.enter(0, () => this.#catchUp());
  }

  ping(): void {
    if (!this.#hasEnded && !this.#host.isFenced) this.#host.send({ kind: 'ping' });
  }

  close(code: number, reason: string): void {
    if (this.#hasSentClose || this.#hasEnded || this.#host.isFenced) return;
    this.flush();
    this.#sendClose(code, reason);
  }

  terminate(): void {
    if (this.#hasEnded || this.#host.isFenced) return;
    this.#hasSentClose = true;
    this.#dropTurn();
    this.#host.enter(0, () => {
      if (this.#hasEnded) return;
      this.#host.send({ kind: 'cut' });
      this.finish(1006, '', false);
    });
  }

  listen(events: WireEvents): void {
    this.#events = events;
    this.#catchUp();
  }

  // ── What reaches it ───────────────────────────────────────────────────────────────────────────────────────────────

  arrive(message: Message): void {
    this.#read(() => {
      if (this.#hasEnded) return;
      const bytes = message.type === 'text' ? Buffer.byteLength(message.data) : message.data.byteLength;
      if (bytes > this.#payloadBytesMax) this.#refuseLarge();
      else this.#events?.frame(message);
    });
  }

  arrivePong(): void {
    if (!this.#hasEnded) this.#events?.pong();
  }

  arriveClose(code: number, reason: string): void {
    this.#read(() => {
      if (this.#hasEnded) return;
      this.flush();
      if (!this.#hasSentClose) this.#sendClose(code, reason);
      this.finish(code, reason, true);
    });
  }

  vanish(): void {
    this.#read(() => this.finish(1006, '', false));
  }

  finish(code: number, reason: string, wasClean: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#dropTurn();
    this.#waiting = undefined;
    this.#waitingBytes = 0;
    this.#settleDrained();
    this.#host.onGone(code);
    this.#events?.close(code, reason, wasClean);
  }

  /** The client has read so much: what waits may follow. */
  wasRead(bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#waiting !== undefined) this.#host.enter(this.#host.world.config.latencyMs, () => this.#sendWaiting());
  }

  /** The turn is over: its frames are on their way, or wait for a client that does not read. */
  flush(): void {
    const frames = this.#turn;
    if (frames === undefined) return;
    this.#turn = undefined;
    this.#turnBytes = 0;
    for (const frame of frames) {
      const item: DownItem = { kind: 'frame', frame, bytes: frame.byteLength };
      if (this.#hasRoomFor(item.bytes)) this.#sendFrame(item);
      else {
        (this.#waiting ??= []).push(item);
        this.#waitingBytes += item.bytes;
      }
    }
    this.#settleDrained();
  }

  #hasRoomFor(bytes: number): boolean {
    if (this.#waiting !== undefined) return false;
    return this.#unreadBytes === 0 || this.#unreadBytes + bytes <= this.#host.world.config.windowBytes;
  }

  #sendFrame(item: DownItem & { readonly kind: 'frame' }): void {
    this.#unreadBytes += item.bytes;
    this.#host.send(item);
  }

  #sendWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#hasEnded) return;
    this.#waiting = undefined;
    let sent = 0;
    for (const item of waiting) {
      if (item.kind !== 'frame') this.#host.send(item);
      else if (this.#hasRoomFor(item.bytes)) {
        this.#waitingBytes -= item.bytes;
        this.#sendFrame(item);
      } else break;
      sent += 1;
    }
    if (sent < waiting.length) this.#waiting = waiting.slice(sent);
    this.#settleDrained();
  }

  #sendClose(code: number, reason: string): void {
    this.#hasSentClose = true;
    this.#host.onServerClose(code);
    const item: DownItem = { kind: 'close', code, reason };
    if (this.#waiting === undefined) this.#host.send(item);
    else this.#waiting.push(item);
  }

  #refuseLarge(): void {
    this.flush();
    this.#sendClose(1009, '');
    this.finish(1009, '', false);
  }

  #dropTurn(): void {
    this.#turn = undefined;
    this.#turnBytes = 0;
  }

  #settleDrained(): void {
    const waiters = this.#drainWaiters;
    if (waiters === undefined || (this.bufferedBytes > 0 && !this.#hasEnded)) return;
    this.#drainWaiters = undefined;
    this.#host.world.needsTurn = true;
    for (const resolve of waiters) resolve();
  }

  #read(task: () => void): void {
    if (this.#isPaused || this.#events === undefined || this.#unread !== undefined || this.#isCatchingUp) {
      (this.#unread ??= []).push(task);
    } else task();
  }

  #catchUp(): void {
    const tasks = this.#unread;
    if (tasks === undefined || this.#isPaused || this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    let count = 0;
    for (; !this.#isPaused && count < tasks.length; count += 1) (tasks[count] as () => void)();
    this.#isCatchingUp = false;
    this.#unread = count < tasks.length ? tasks.slice(count) : undefined;
  }
}
