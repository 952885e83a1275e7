import type { Frame, Wire, WireEvents } from '../../../src/index.ts';
import type { Pump } from './pump.ts';

/** The client's end, as the wire sees it. */
export interface WirePeer {
  readonly isPaused: boolean;
  frame(frame: Frame): void;
  closed(code: number): void;
}

/** The app's end of a connection in memory (`Wire` in src/transport/transport.ts). A client that does not read leaves bytes waiting. */
export class MemoryWire implements Wire {
  readonly #pump: Pump;
  readonly #peer: WirePeer;
  #events: WireEvents | undefined;
  #turn: Frame[] = [];
  #turnBytes: number = 0;
  /** For a client that does not read; the server's close comes last. */
  #unread: (Frame | number)[] = [];
  #waitingBytes: number = 0;
  #isPaused: boolean = false;
  #arrived: (() => void)[] = [];
  #hasSentClose: boolean = false;
  #isEnded: boolean = false;
  #drainWaiters: (() => void)[] = [];

  constructor(pump: Pump, peer: WirePeer) {
    this.#pump = pump;
    this.#peer = peer;
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#turnBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  write(frame: Frame): 'sent' | 'queued' | 'closed' {
    if (this.#hasSentClose || this.#isEnded) return 'closed';
    if (this.#turn.push(frame) === 1) this.#pump.add(this.#flush);
    this.#turnBytes += frame.byteLength;
    return this.#waitingBytes > 0 ? 'queued' : 'sent';
  }

  drained(): Promise<void> {
    if (this.bufferedBytes === 0 || this.#isEnded) return Promise.resolve();
    return new Promise((resolve) => void this.#drainWaiters.push(resolve));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#arrived.length > 0) this.#pump.add(this.#readOn);
  }

  /** A client of the load kit answers as long as it reads. */
  ping(): void {
    this.#pump.add(() => {
      if (!this.#peer.isPaused && !this.#isEnded) this.#events?.pong();
    });
  }

  close(code: number, _reason: string): void {
    if (this.#hasSentClose || this.#isEnded) return;
    this.#flush();
    this.#hasSentClose = true;
    this.#pump.add(() => {
      if (this.#peer.isPaused) this.#unread.push(code);
      else this.#closePeer(code);
    });
  }

  terminate(): void {
    this.#pump.add(() => {
      this.#end(1006, false);
      this.#peer.closed(1006);
    });
  }

  listen(events: WireEvents): void {
    this.#events = events;
    if (this.#arrived.length > 0) this.#readOn();
  }

  // What the client does.

  arrive(data: string | Uint8Array): void {
    this.#read(() => this.#events?.frame(typeof data === 'string' ? { type: 'text', data } : { type: 'bytes', data }));
  }

  arriveClose(code: number): void {
    this.#read(() => {
      if (this.#isEnded) return;
      this.#flush();
      this.#hasSentClose = true;
      this.#pump.add(() => this.#peer.closed(code));
      this.#end(code, true);
    });
  }

  vanish(): void {
    this.#end(1006, false);
  }

  /** The client reads again. */
  readAgain(): void {
    const unread = this.#unread;
    this.#unread = [];
    for (const entry of unread) {
      if (typeof entry === 'number') this.#closePeer(entry);
      else {
        this.#waitingBytes -= entry.byteLength;
        this.#peer.frame(entry);
      }
    }
    this.#settleDrained();
  }

  #closePeer(code: number): void {
    this.#pump.add(() => this.#end(code, true));
    this.#peer.closed(code);
  }

  #read(task: () => void): void {
    if (this.#isPaused || this.#events === undefined || this.#arrived.length > 0) this.#arrived.push(task);
    else task();
  }

  readonly #readOn = (): void => {
    while (!this.#isPaused) {
      const task = this.#arrived.shift();
      if (task === undefined) return;
      task();
    }
  };

  readonly #flush = (): void => {
    const frames = this.#turn;
    this.#turn = [];
    this.#turnBytes = 0;
    for (const frame of frames) {
      if (this.#peer.isPaused) {
        this.#waitingBytes += frame.byteLength;
        this.#unread.push(frame);
      } else this.#peer.frame(frame);
    }
    this.#settleDrained();
  };

  #settleDrained(): void {
    if (this.bufferedBytes > 0 && !this.#isEnded) return;
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #end(code: number, wasClean: boolean): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#settleDrained();
    this.#events?.close(code, '', wasClean);
  }
}
