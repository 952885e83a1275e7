import type { Message, UpgradeAnswer } from '../../src/index.ts';
import type { Link, LinkEvents, LinkRequest } from './link.ts';
import { MemoryUpgrade } from '../../src/transport/memory/memory-upgrade.ts';
import { MemoryWire, wellFormed, type WirePeer } from '../../src/transport/memory/memory-wire.ts';
import { Reader, type Pump } from '../../src/transport/memory/pump.ts';

const payloadBytesMax = 1024 * 1024;

/** The client's end of a connection without a network, and what holds both together. */
export class MemoryLink implements Link, WirePeer {
  readonly upgrade: MemoryUpgrade;
  /** Frames for a client that does not read, and the server's close behind them. */
  readonly reader: Reader = new Reader({ isReading: true });
  readonly #pump: Pump;
  readonly #events: LinkEvents;
  #wire: MemoryWire | undefined;
  #isClosed = false;
  #hasSentClose = false;

  constructor(pump: Pump, request: LinkRequest, events: LinkEvents) {
    this.#pump = pump;
    this.#events = events;
    this.upgrade = new MemoryUpgrade(this, request);
  }

  open(answer: UpgradeAnswer): MemoryWire {
    this.#wire = new MemoryWire(this.#pump, this, answer.maxPayloadBytes ?? payloadBytesMax);
    this.#events.opened({
      subprotocol: answer.subprotocol ?? '',
      // Few tests read them, and making them costs as much as a frame.
      get headers() {
        return new Headers((answer.headers ?? []) as [string, string][]);
      },
    });
    return this.#wire;
  }

  refuse(status: number, headers: Headers, body: string): void {
    this.#isClosed = true;
    this.#events.refused({ status, headers, body });
  }

  // ── What the client does ──────────────────────────────────────────────────────────────────────────────────────────

  send(data: string | Uint8Array): void {
    const wire = this.#wire;
    if (this.#isClosed || this.#hasSentClose || wire === undefined) return;
    const message: Message =
      typeof data === 'string'
        ? { type: 'text', data: wellFormed(data) }
        : { type: 'bytes', data: new Uint8Array(data) };
    this.#pump.add(() => wire.arrive(message));
  }

  close(code: number | undefined, reason: string): void {
    const wire = this.#wire;
    if (wire === undefined) return this.drop();
    if (this.#isClosed || this.#hasSentClose) return;
    this.#hasSentClose = true;
    this.#pump.add(() => wire.arriveClose(code ?? 1005, reason));
  }

  drop(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.upgrade.leave();
    const wire = this.#wire;
    this.#events.closed(1006, '', false);
    if (wire !== undefined) this.#pump.add(() => wire.vanish());
  }

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

  frame(message: Message): void {
    if (!this.#isClosed) this.#events.frame(message);
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
