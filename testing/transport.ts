import {
  HandshakeError,
  WebSocketDisconnect,
  type App,
  type Frame,
  type Message,
  type Upgrade,
  type UpgradeAnswer,
  type Wire,
  type WireEvents,
} from '../src/index.ts';
import type { Link, LinkEvents, LinkRequest, LinkTransport } from './link.ts';

// Kept from before fake timers can replace it: frames travel in real turns.
const { setImmediate } = globalThis;

const payloadBytesMax = 1024 * 1024;
let portLast = 50_000;

/** Moves everything of one transport, in the order in which it was sent; what is sent in a turn arrives after it. */
class Pump {
  #tasks: (() => void)[] = [];
  #isArmed = false;

  get isBusy(): boolean {
    return this.#isArmed;
  }

  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    if (this.#tasks.length > 0) setImmediate(this.#run);
    else this.#isArmed = false;
  };
}

/**
 * An app without a network: messages pass as they are, in the order of sending, and rule 7 of DESIGN.md §2 holds as it
 * does over TCP. `testing/conformance/transport.ts` checks it against the real thing.
 */
export class MemoryTransport implements LinkTransport {
  readonly #app: Pick<App, 'handle'>;
  readonly #pump = new Pump();

  constructor(app: Pick<App, 'handle'>) {
    this.#app = app;
  }

  connect(request: LinkRequest, events: LinkEvents): Link {
    const link = new MemoryLink(this.#pump, request, events);
    events.asked?.(link.upgrade);
    void this.#app.handle(link.upgrade);
    return link;
  }

  isInFlight(): boolean {
    return this.#pump.isBusy;
  }

  async close(): Promise<void> {}
}

/** Both ends of one connection. */
class MemoryLink implements Link {
  readonly upgrade: MemoryUpgrade;
  readonly #pump: Pump;
  readonly #events: LinkEvents;
  #wire: MemoryWire | undefined;
  #isPaused = false;
  /** Frames for a client that does not read, and the server's close behind them. */
  #unread: (() => void)[] = [];
  #isClosed = false;
  #hasSentClose = false;

  constructor(pump: Pump, request: LinkRequest, events: LinkEvents) {
    this.#pump = pump;
    this.#events = events;
    this.upgrade = new MemoryUpgrade(this, request);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  open(answer: UpgradeAnswer): MemoryWire {
    this.#wire = new MemoryWire(this.#pump, this, answer.maxPayloadBytes ?? payloadBytesMax);
    const headers = new Headers((answer.headers ?? []).map(([name, value]): [string, string] => [name, value]));
    this.#events.opened({ subprotocol: answer.subprotocol ?? '', headers });
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
    if (this.#isClosed || this.#hasSentClose || wire === undefined) return;
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
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const unread = this.#unread;
    this.#unread = [];
    this.#pump.add(() => {
      unread.forEach((read, at) => {
        if (this.#isPaused) this.#unread.push(...unread.slice(at, at + 1));
        else read();
      });
      this.#wire?.settleDrained();
    });
  }

  // ── What reaches it ───────────────────────────────────────────────────────────────────────────────────────────────

  read(task: () => void): void {
    if (this.#isPaused) this.#unread.push(task);
    else task();
  }

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

class MemoryUpgrade implements Upgrade {
  readonly method = 'GET';
  readonly headers: readonly (readonly [string, string])[];
  readonly client: { readonly host: string; readonly port: number };
  readonly #link: MemoryLink;
  readonly #target: string;
  #abort: AbortController | undefined;
  #hasLeft = false;
  #isAnswered = false;

  constructor(link: MemoryLink, request: LinkRequest) {
    this.#link = link;
    this.#target = request.target;
    this.client = request.client ?? { host: '127.0.0.1', port: nextPort() };
    const offered: [string, string][] =
      request.subprotocols.length === 0 ? [] : [['Sec-WebSocket-Protocol', request.subprotocols.join(',')]];
    this.headers = [
      ['Host', 'localhost'],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Version', '13'],
      ...offered,
      ...request.headers,
    ];
  }

  get url(): URL {
    return new URL(`ws://localhost${this.#target}`);
  }

  get path(): string {
    return this.#target.split(/[?#]/, 1)[0] as string;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#hasLeft) this.#abort.abort(new WebSocketDisconnect(1006, '', false));
    return this.#abort.signal;
  }

  accept(answer: UpgradeAnswer): Promise<Wire> {
    if (this.#isAnswered) return Promise.reject(answeredTwice('accept'));
    this.#isAnswered = true;
    if (this.#hasLeft) return Promise.reject(new WebSocketDisconnect(1006, '', false));
    return Promise.resolve(this.#link.open(answer));
  }

  async deny(response: Response): Promise<void> {
    if (this.#isAnswered) throw answeredTwice('deny');
    this.#isAnswered = true;
    const body = response.body === null ? '' : await response.text();
    if (!this.#hasLeft) this.#link.refuse(response.status, response.headers, body);
  }

  leave(): void {
    if (this.#isAnswered) return;
    this.#hasLeft = true;
    this.#abort?.abort(new WebSocketDisconnect(1006, '', false));
  }
}

/** The server's end. Bytes count as handed over when the client reads them; a paused client leaves them waiting. */
class MemoryWire implements Wire {
  readonly #pump: Pump;
  readonly #link: MemoryLink;
  readonly #payloadBytesMax: number;
  #events: WireEvents | undefined;
  #turn: Frame[] = [];
  #turnBytes = 0;
  #waitingBytes = 0;
  #isPaused = false;
  #unread: (() => void)[] = [];
  #hasSentClose = false;
  #end: { code: number; reason: string; wasClean: boolean } | undefined;
  #drainWaiters: (() => void)[] = [];

  constructor(pump: Pump, link: MemoryLink, bytesMax: number) {
    this.#pump = pump;
    this.#link = link;
    this.#payloadBytesMax = bytesMax;
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#turnBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  write(frame: Frame): 'sent' | 'queued' | 'closed' {
    if (this.#hasSentClose || this.#end !== undefined) return 'closed';
    if (this.#turn.push(frame) === 1) this.#pump.add(this.#flush);
    this.#turnBytes += frame.byteLength;
    return this.#waitingBytes > 0 ? 'queued' : 'sent';
  }

  drained(): Promise<void> {
    if (this.bufferedBytes === 0 || this.#end !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push(resolve);
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#unread.length > 0) this.#pump.add(this.#readOn);
  }

  ping(): void {
    if (this.#end !== undefined) return;
    const pong = (): void => {
      this.#pump.add(() => this.#events?.pong());
    };
    this.#pump.add(() => this.#link.read(pong));
  }

  close(code: number, reason: string): void {
    if (this.#hasSentClose || this.#end !== undefined) return;
    this.#flush();
    this.#hasSentClose = true;
    this.#pump.add(() => this.#link.read(() => this.#link.closeFrame(code, reason)));
  }

  terminate(): void {
    this.#hasSentClose = true;
    this.#turn = [];
    this.#turnBytes = 0;
    this.#pump.add(() => {
      this.#finish(1006, '', false);
      this.#link.cutOff();
    });
  }

  listen(events: WireEvents): void {
    this.#events = events;
    if (this.#unread.length > 0) this.#readOn();
  }

  // ── What reaches it ───────────────────────────────────────────────────────────────────────────────────────────────

  arrive(message: Message): void {
    this.#read(() => {
      if (this.#end !== undefined) return;
      if (sizeOf(message) > this.#payloadBytesMax) this.#refuseLarge();
      else this.#events?.frame(message);
    });
  }

  arriveClose(code: number, reason: string): void {
    this.#read(() => {
      if (this.#end !== undefined) return;
      this.#flush();
      if (!this.#hasSentClose) {
        this.#hasSentClose = true;
        this.#pump.add(() => this.#link.read(() => this.#link.closeFrame(code, reason)));
      }
      this.#finish(code, reason, true);
    });
  }

  vanish(): void {
    this.#read(() => this.#finish(1006, '', false));
  }

  settleDrained(): void {
    if (this.bufferedBytes > 0 && this.#end === undefined) return;
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #refuseLarge(): void {
    this.#flush();
    this.#hasSentClose = true;
    this.#pump.add(() => this.#link.read(() => this.#link.closeFrame(1009, '')));
    this.#finish(1009, '', false);
  }

  #read(task: () => void): void {
    if (this.#isPaused || this.#events === undefined || this.#unread.length > 0) this.#unread.push(task);
    else task();
  }

  readonly #readOn = (): void => {
    while (!this.#isPaused) {
      const task = this.#unread.shift();
      if (task === undefined) return;
      task();
    }
  };

  /** The turn is over: its frames go to the client, or wait for one that does not read. */
  readonly #flush = (): void => {
    const frames = this.#turn;
    this.#turn = [];
    this.#turnBytes = 0;
    for (const frame of frames) {
      const { byteLength } = frame;
      if (this.#link.isPaused) {
        this.#waitingBytes += byteLength;
        this.#link.read(() => {
          this.#waitingBytes -= byteLength;
          this.#link.frame(messageOf(frame));
        });
      } else this.#link.frame(messageOf(frame));
    }
    this.settleDrained();
  };

  #finish(code: number, reason: string, wasClean: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = { code, reason, wasClean };
    this.settleDrained();
    this.#events?.close(code, reason, wasClean);
  }
}

function messageOf(frame: Frame): Message {
  return typeof frame.data === 'string'
    ? { type: 'text', data: wellFormed(frame.data) }
    : { type: 'bytes', data: new Uint8Array(frame.data) };
}

/** Half a surrogate pair has no UTF-8: on a real wire it arrives as U+FFFD. */
function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed();
}

function sizeOf(message: Message): number {
  return message.type === 'text' ? Buffer.byteLength(message.data) : message.data.byteLength;
}

function nextPort(): number {
  portLast = portLast >= 65_535 ? 50_001 : portLast + 1;
  return portLast;
}

function answeredTwice(step: string): HandshakeError {
  return new HandshakeError('CHANNELBOX_ALREADY_ANSWERED', `${step}() came for an upgrade that is answered already`);
}
