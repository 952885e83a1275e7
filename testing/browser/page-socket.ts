import type { Message } from '../../src/index.ts';
import type { BrowserClient, BrowserClients } from '../target/browser-client.ts';
import type { Link, LinkRequest } from '../transport/link.ts';
import { URL } from 'node:url';
import { types } from 'node:util';
import { CloseEvent, Listeners, type PageHandler } from './page-event.ts';
import type { Log } from '../client/transcript.ts';

export type BinaryType = 'blob' | 'arraybuffer';

export const readyStates = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;

/** What a page's socket reaches. */
export interface PageServer {
  readonly browserClients: BrowserClients;
  readonly log: Log;
  /** Those that are not closed. */
  readonly pages: Set<BrowserClient>;
  request(url: URL, subprotocols: readonly string[]): LinkRequest;
  /** A listener of the page has thrown. */
  failed(error: unknown, where: { readonly page: string; readonly url: URL; readonly type: string }): void;
}

/**
 * A browser's WebSocket stands over a link: it has states, events and errors as the WebSockets standard has them
 * (https://websockets.spec.whatwg.org). Each event is a task of its own.
 */
export class PageSocket implements BrowserClient {
  readonly #server: PageServer;
  readonly #url: URL;
  readonly #name: string;
  readonly #listeners: Listeners;
  #link: Link | undefined;
  #readyState: 0 | 1 | 2 | 3 = readyStates.CONNECTING;
  #protocol = '';
  #offered: readonly string[] = [];
  #binaryType: BinaryType = 'blob';
  #bufferedAmount = 0;
  /** What waits for a Blob before it to be read. */
  #sending: Promise<void> | undefined;
  #hasLeft = false;

  /** @param face the object that the page holds: `this` and `target` of its listeners */
  constructor(face: object, url: string, server: PageServer) {
    this.#url = new URL(url);
    this.#server = server;
    this.#name = server.browserClients.nextName();
    this.#listeners = new Listeners(face, (error, type) =>
      server.failed(error, { page: this.#name, url: this.#url, type }),
    );
  }

  get readyState(): number {
    return this.#readyState;
  }

  get protocol(): string {
    return this.#protocol;
  }

  /** Bytes handed to `send` that are not on their way yet; after the close it only grows. */
  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type;
  }

  /** What `onopen` and its like hold. */
  handlerOf(type: string): PageHandler {
    return this.#listeners.handlerOf(type);
  }

  setHandler(type: string, value: unknown): void {
    this.#listeners.setHandler(type, value);
  }

  listen(given: readonly unknown[]): void {
    this.#listeners.add(String(given[0]), checked(given, 'addEventListener', 2)[1], given[2]);
  }

  unlisten(given: readonly unknown[]): void {
    this.#listeners.remove(String(given[0]), checked(given, 'removeEventListener', 2)[1], given[2]);
  }

  dispatch(event: Event): boolean {
    return this.#listeners.dispatch(event);
  }

  connect(subprotocols: readonly string[]): void {
    if (this.#readyState !== readyStates.CONNECTING) return;
    const { browserClients, log } = this.#server;
    this.#offered = subprotocols;
    this.#server.pages.add(this);
    browserClients.step();
    this.#link = browserClients.connect(this, this.#server.request(this.#url, subprotocols), {
      opened: ({ subprotocol }) => {
        log.add(this.#name, { kind: 'open' });
        this.#task(() => this.#open(subprotocol));
      },
      refused: ({ status }) => {
        log.add(this.#name, { kind: 'denied', code: status });
        this.#task(() => this.#fail());
      },
      frame: (message) => {
        log.add(this.#name, { kind: 'received', data: message.data });
        this.#task(() => this.#message(message));
      },
      closed: (code, reason, wasClean) => {
        log.add(this.#name, { kind: 'close', code, ...(reason === '' ? {} : { data: reason }) });
        this.#task(() => this.#end(code, reason, wasClean));
      },
    });
  }

  /** @throws {DOMException} `InvalidStateError` before it is open; {TypeError} for no argument at all */
  send(given: readonly unknown[]): void {
    const [data] = checked(given, 'send', 1);
    if (this.#readyState === readyStates.CONNECTING) {
      throw new DOMException('send() came while the socket is still connecting', 'InvalidStateError');
    }
    const isBlob = isBlobOfPage(data);
    const payload = isBlob ? undefined : payloadOf(data);
    const byteLength = isBlob ? data.size : Buffer.byteLength(payload as string | Uint8Array);
    this.#bufferedAmount += byteLength;
    if (this.#readyState !== readyStates.OPEN) return;
    this.#server.browserClients.step();
    const put = (ready: string | Uint8Array): void => {
      this.#server.log.add(this.#name, { kind: 'sent', data: ready });
      this.#link?.send(ready);
      this.#task(() => {
        if (this.#readyState !== readyStates.CLOSED) this.#bufferedAmount -= byteLength;
      });
    };
    if (payload !== undefined) return this.#behindBlobs(() => put(payload));
    const read = bytesOfBlob(data as Blob);
    this.#behindBlobs(async () => put(new Uint8Array(await read)), true);
  }

  /** @throws {DOMException} `InvalidAccessError` for a code no page may send, `SyntaxError` for a reason above 123 bytes */
  close(givenCode?: unknown, givenReason?: unknown): void {
    const code = givenCode === undefined ? undefined : clampedShort(givenCode);
    const reason = givenReason === undefined ? '' : wellFormed(textOf(givenReason));
    if (code === undefined && givenReason !== undefined) {
      throw new DOMException('a reason came without a code, such as 1000', 'InvalidAccessError');
    }
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new DOMException(`close code ${code} is not a page's: 1000 is, and 3000 to 4999`, 'InvalidAccessError');
    }
    if (Buffer.byteLength(reason) > 123) {
      throw new DOMException('the reason of a close has at most 123 bytes', 'SyntaxError');
    }
    if (this.#readyState >= readyStates.CLOSING) return;
    if (this.#readyState === readyStates.CONNECTING) {
      this.#giveUp();
      return;
    }
    this.#readyState = readyStates.CLOSING;
    this.#server.browserClients.step();
    this.#behindBlobs(() => {
      this.#server.log.add(this.#name, { kind: 'close', ...(code === undefined ? {} : { code }) });
      this.#link?.close(code, reason);
    });
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#forget();
    if (this.#readyState === readyStates.OPEN) this.#link?.close(1001, '');
    else if (this.#readyState === readyStates.CONNECTING) this.#link?.drop();
    this.#readyState = readyStates.CLOSED;
  }

  // ── What happens to it ────────────────────────────────────────────────────────────────────────────────────────────

  #open(subprotocol: string): void {
    if (this.#readyState !== readyStates.CONNECTING) return;
    // A browser takes neither a subprotocol it did not offer, nor none where it offered some.
    const isAgreed = subprotocol === '' ? this.#offered.length === 0 : this.#offered.includes(subprotocol);
    if (!isAgreed) {
      this.#giveUp();
      return;
    }
    this.#readyState = readyStates.OPEN;
    this.#protocol = subprotocol;
    this.dispatch(new Event('open'));
  }

  #message({ data }: Message): void {
    if (this.#readyState !== readyStates.OPEN) return;
    const { origin } = this.#url;
    if (typeof data === 'string') this.dispatch(new MessageEvent('message', { data, origin }));
    else {
      const bytes = new Uint8Array(data).buffer;
      this.dispatch(
        new MessageEvent('message', { data: this.#binaryType === 'blob' ? new Blob([bytes]) : bytes, origin }),
      );
    }
  }

  #end(code: number, reason: string, wasClean: boolean): void {
    if (this.#readyState === readyStates.CLOSED) return;
    this.#forget();
    this.#readyState = readyStates.CLOSED;
    this.dispatch(new (pageCloseEvent())('close', { code, reason, wasClean }));
  }

  /** It never opened. */
  #fail(): void {
    if (this.#readyState === readyStates.CLOSED) return;
    this.#readyState = readyStates.CLOSED;
    this.#forget();
    this.dispatch(new Event('error'));
    this.dispatch(new (pageCloseEvent())('close', { code: 1006, reason: '', wasClean: false }));
  }

  #giveUp(): void {
    this.#readyState = readyStates.CLOSING;
    this.#task(() => this.#fail());
    this.#link?.drop();
  }

  #forget(): void {
    this.#server.browserClients.forget(this);
    this.#server.pages.delete(this);
  }

  #task(task: () => void): void {
    this.#server.browserClients.add(() => {
      if (!this.#hasLeft) task();
    });
  }

  /** What is sent keeps its order, though a Blob is read later than it was sent. */
  #behindBlobs(step: () => void | Promise<void>, isBlob = false): void {
    if (this.#sending === undefined && !isBlob) {
      void step();
      return;
    }
    const before = this.#sending ?? Promise.resolve();
    const mine = before.then(step).finally(() => {
      if (this.#sending === mine) this.#sending = undefined;
    });
    this.#sending = mine;
    void this.#server.browserClients.hold(mine);
  }
}

/** Of whatever class: a page under jsdom has its own. */
function isBlobOfPage(data: unknown): data is Blob {
  if (typeof data !== 'object' || data === null || !('size' in data)) return false;
  return 'arrayBuffer' in data || /^\[object (Blob|File)\]$/.test(Object.prototype.toString.call(data));
}

interface PageReader {
  readonly result: ArrayBuffer;
  onload: () => void;
  onerror: (error: unknown) => void;
  readAsArrayBuffer(blob: Blob): void;
}

/** jsdom's Blob lacks `arrayBuffer`; its page has the older way. */
function bytesOfBlob(blob: Blob): Promise<ArrayBuffer> {
  if (typeof blob.arrayBuffer === 'function') return blob.arrayBuffer();
  const { FileReader } = globalThis as unknown as { readonly FileReader: new () => PageReader };
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    const loaded = (): void => resolve(reader.result);
    reader.onload = loaded;
    reader.onerror = reject;
    reader.readAsArrayBuffer(blob);
  });
}

/** Of whatever realm: a page under jsdom has classes of its own. */
function payloadOf(data: unknown): string | Uint8Array {
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data.slice(0) as ArrayBuffer);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return wellFormed(textOf(data));
}

function checked(given: readonly unknown[], method: string, countMin: number): readonly unknown[] {
  if (given.length >= countMin) return given;
  const due = countMin === 1 ? '1 argument' : `${countMin} arguments`;
  throw new TypeError(`${method}() takes ${due}, ${given.length} came`);
}

/** A number as Chromium reads it: within an unsigned short, without its fraction; what is no number is 0. */
function clampedShort(value: unknown): number {
  const number = Number(value);
  return Number.isNaN(number) ? 0 : Math.floor(Math.min(Math.max(number, 0), 65_535));
}

/** Unlike `String`, it refuses a symbol. */
function textOf(value: unknown): string {
  return `${value as string}`;
}

function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed();
}

/** The page's own, where it has one: Node 20 has none. */
function pageCloseEvent(): typeof CloseEvent {
  return (globalThis as { readonly CloseEvent?: typeof CloseEvent }).CloseEvent ?? CloseEvent;
}
