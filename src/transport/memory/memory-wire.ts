import type { Frame } from '../../protocol/frame.ts';
import type { Message, Wire, WireEvents } from '../transport.ts';
import { Reader, type Pump } from './pump.ts';

/** The client's end, as the server's reaches it. */
export interface WirePeer {
  readonly reader: Reader;
  frame(frame: Frame): void;
  closeFrame(code: number, reason: string): void;
  cutOff(): void;
}

/**
 * This wire is the server's end. Bytes count as handed over when the client reads them; a paused client leaves them
 * waiting.
 */
export class MemoryWire implements Wire {
  readonly #pump: Pump;
  readonly #peer: WirePeer;
  readonly #payloadBytesMax: number;
  /** Nothing is read before somebody listens. */
  readonly #reader = new Reader({ isReading: false });
  #events: WireEvents | undefined;
  #isPaused = false;
  #turn: Frame[] = [];
  #turnBytes = 0;
  #waitingBytes = 0;
  #hasSentClose = false;
  #hasEnded = false;
  #drainWaiters: (() => void)[] = [];

  constructor(pump: Pump, peer: WirePeer, payloadBytesMax: number) {
    this.#pump = pump;
    this.#peer = peer;
    this.#payloadBytesMax = payloadBytesMax;
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#turnBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  write(frame: Frame): 'sent' | 'queued' | 'closed' {
    if (this.#hasSentClose || this.#hasEnded) return 'closed';
    if (this.#turn.push(frame) === 1) this.#pump.add(this.#flush);
    this.#turnBytes += frame.byteLength;
    return this.#waitingBytes > 0 ? 'queued' : 'sent';
  }

  drained(): Promise<void> {
    if (this.bufferedBytes === 0 || this.#hasEnded) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push(resolve);
    });
  }

  pause(): void {
    this.#isPaused = true;
    this.#reader.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#events === undefined) return;
    this.#reader.resume();
    if (this.#reader.isBehind) this.#pump.add(() => this.#reader.catchUp());
  }

  ping(): void {
    if (this.#hasEnded) return;
    this.#pump.add(() => this.#peer.reader.read(() => this.#pump.add(this.#pong)));
  }

  close(code: number, reason: string): void {
    if (this.#hasSentClose || this.#hasEnded) return;
    this.#sendClose(code, reason);
  }

  terminate(): void {
    this.#hasSentClose = true;
    this.#turn = [];
    this.#turnBytes = 0;
    this.#pump.add(() => {
      this.#finish(1006, '', false);
      this.#peer.cutOff();
    });
  }

  listen(events: WireEvents): void {
    this.#events = events;
    if (this.#isPaused) return;
    this.#reader.resume();
    this.#reader.catchUp();
  }

  // ── What reaches it ───────────────────────────────────────────────────────────────────────────────────────────────

  arrive(message: Message): void {
    this.#reader.read(() => {
      if (this.#hasEnded) return;
      if (sizeOf(message) > this.#payloadBytesMax) this.#refuseLarge();
      else this.#events?.frame(message);
    });
  }

  arriveClose(code: number, reason: string): void {
    this.#reader.read(() => {
      if (this.#hasEnded) return;
      if (!this.#hasSentClose) this.#sendClose(code, reason);
      this.#finish(code, reason, true);
    });
  }

  vanish(): void {
    this.#reader.read(() => this.#finish(1006, '', false));
  }

  settleDrained(): void {
    if (this.#drainWaiters.length === 0 || (this.bufferedBytes > 0 && !this.#hasEnded)) return;
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  readonly #pong = (): void => {
    this.#events?.pong();
  };

  /** Behind what this turn has written: the pump has its flush already. */
  #sendClose(code: number, reason: string): void {
    this.#hasSentClose = true;
    this.#pump.add(() => this.#peer.reader.read(() => this.#peer.closeFrame(code, reason)));
  }

  #refuseLarge(): void {
    this.#sendClose(1009, '');
    this.#finish(1009, '', false);
  }

  /** The turn is over: its frames go to the client, or wait for one that does not read. */
  readonly #flush = (): void => {
    const frames = this.#turn;
    if (frames.length === 0) return;
    this.#turn = [];
    this.#turnBytes = 0;
    for (const frame of frames) {
      if (this.#peer.reader.isBehind) this.#leaveWaiting(frame);
      else this.#peer.frame(frame);
    }
    this.settleDrained();
  };

  #leaveWaiting(frame: Frame): void {
    this.#waitingBytes += frame.byteLength;
    this.#peer.reader.read(() => {
      this.#waitingBytes -= frame.byteLength;
      this.#peer.frame(frame);
    });
  }

  #finish(code: number, reason: string, wasClean: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.settleDrained();
    this.#events?.close(code, reason, wasClean);
  }
}

/** What a client gets of a frame: a copy of its own. */
export function messageOf(frame: Frame): Message {
  return typeof frame.data === 'string'
    ? { type: 'text', data: wellFormed(frame.data) }
    : { type: 'bytes', data: new Uint8Array(frame.data) };
}

/** Half a surrogate pair has no UTF-8: on a real wire it arrives as U+FFFD. */
export function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed();
}

function sizeOf(message: Message): number {
  return message.type === 'text' ? Buffer.byteLength(message.data) : message.data.byteLength;
}
