import type { Frame } from '../../protocol/frame.ts';
import type { Message, Upgrade, UpgradeAnswer } from '../transport.ts';
import { MemoryUpgrade, type MemoryAsker, type MemoryRequest } from './memory-upgrade.ts';
import { MemoryWire, wellFormed, type WirePeer } from './memory-wire.ts';
import { Reader, type Pump } from './pump.ts';

/** What happens to a client, in order: `opened`, frames and one `closed`, or `refused`. Who leaves unanswered gets `closed` alone. */
export interface MemoryClientEvents {
  /** What the app is about to be asked with. */
  asked?(upgrade: Upgrade): void;
  opened(answer: UpgradeAnswer): void;
  refused(status: number, headers: Headers, body: string): void;
  /** The frame that the app wrote, shared by all that get it; `messageOf` makes a copy of it. */
  frame(frame: Frame): void;
  closed(code: number, reason: string, wasClean: boolean): void;
}

const payloadBytesMax = 1024 * 1024;

/** The client has its end of a connection without a network, and what holds both together. */
export class MemoryClient implements WirePeer, MemoryAsker {
  readonly upgrade: MemoryUpgrade;
  /** Frames for a client that does not read, and the server's close behind them. */
  readonly reader: Reader = new Reader({ isReading: true });
  readonly #pump: Pump;
  readonly #events: MemoryClientEvents;
  #wire: MemoryWire | undefined;
  #isClosed = false;
  #hasSentClose = false;

  constructor(pump: Pump, request: MemoryRequest, events: MemoryClientEvents) {
    this.#pump = pump;
    this.#events = events;
    this.upgrade = new MemoryUpgrade(this, request, pump.nextPort());
  }

  open(answer: UpgradeAnswer): MemoryWire {
    this.#wire = new MemoryWire(this.#pump, this, answer.maxPayloadBytes ?? payloadBytesMax);
    this.#events.opened(answer);
    return this.#wire;
  }

  refuse(status: number, headers: Headers, body: string): void {
    this.#isClosed = true;
    this.#events.refused(status, headers, body);
  }

  // ── What the client does ──────────────────────────────────────────────────────────────────────────────────────────

  /** Does nothing unless it is open. */
  send(data: string | Uint8Array): void {
    const wire = this.#wire;
    if (this.#isClosed || this.#hasSentClose || wire === undefined) return;
    const message: Message =
      typeof data === 'string'
        ? { type: 'text', data: wellFormed(data) }
        : { type: 'bytes', data: new Uint8Array(data) };
    this.#pump.add(() => wire.arrive(message));
  }

  /** Begins the closing handshake; before it is answered it leaves. */
  close(code: number | undefined, reason: string): void {
    const wire = this.#wire;
    if (wire === undefined) return this.drop();
    if (this.#isClosed || this.#hasSentClose) return;
    this.#hasSentClose = true;
    this.#pump.add(() => wire.arriveClose(code ?? 1005, reason));
  }

  /** Vanishes: no close frame, and `closed` comes at once. */
  drop(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.upgrade.leave();
    const wire = this.#wire;
    this.#events.closed(1006, '', false);
    if (wire !== undefined) this.#pump.add(() => wire.vanish());
  }

  /** Reads no further: what the app writes waits. */
  pause(): void {
    this.reader.pause();
  }

  resume(): void {
    if (this.reader.isReading) return;
    this.reader.resume();
    this.#pump.add(() => {
      this.reader.catchUp();
      this.#wire?.settleDrained();
    });
  }

  // ── What reaches it ───────────────────────────────────────────────────────────────────────────────────────────────

  frame(frame: Frame): void {
    if (!this.#isClosed) this.#events.frame(frame);
  }

  /** The server's close frame: answered, unless it is itself the answer. */
  closeFrame(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const wire = this.#wire;
    if (!this.#hasSentClose) this.#pump.add(() => wire?.arriveClose(code, reason));
    this.#events.closed(code, reason, true);
  }

  cutOff(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.closed(1006, '', false);
  }
}
