/**
 * @module channelbox/testing/mock-socket: browser code written on `new WebSocket(url)` meets the real consumers, in
 * process. Needs `mock-socket` 9.3.1, whose class is the global `WebSocket` while a bridge stands.
 */
import { URL } from 'node:url';
import { ChannelBoxError } from '../src/index.ts';
import { Target, type TestTarget } from './target/target.ts';
import type { ConnectOptions } from './client/client.ts';
import { MockClass, type BridgedUrl } from './browser/mock-class.ts';
import type { PageServer } from './browser/page-socket.ts';
import { requestOf } from './target/request.ts';

/** What a browser would send of its own accord. */
export interface BridgeOptions extends Pick<ConnectOptions, 'headers' | 'cookies' | 'client'> {
  /** Of the page; default: the server's own, as of a page that it delivered. */
  origin?: string;
}

/** As much of a browser's `WebSocket` as these types can say without the DOM library. */
export interface PageWebSocket {
  readonly url: string;
  readonly readyState: number;
  readonly protocol: string;
  readonly extensions: string;
  readonly bufferedAmount: number;
  binaryType: 'blob' | 'arraybuffer';
  onopen: ((event: Event) => unknown) | null;
  onmessage: ((event: MessageEvent) => unknown) | null;
  onerror: ((event: Event) => unknown) | null;
  onclose: ((event: PageCloseEvent) => unknown) | null;
  /** Sends a message to the consumer. */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
  /** As a browser's. */
  addEventListener(type: 'message', listener: (event: MessageEvent) => unknown, options?: PageListening): void;
  addEventListener(type: 'close', listener: (event: PageCloseEvent) => unknown, options?: PageListening): void;
  addEventListener(type: string, listener: (event: Event) => unknown, options?: PageListening): void;
  /** As a browser's. */
  removeEventListener(type: string, listener: (event: never) => unknown): void;
  /** As a browser's. */
  dispatchEvent(event: Event): boolean;
}

/** How a page listens. */
export interface PageListening {
  once?: boolean;
  signal?: AbortSignal;
}

/** A browser's close event. */
export interface PageCloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A browser's `WebSocket` class. */
export interface PageWebSocketClass {
  new (url: string | URL, protocols?: string | string[]): PageWebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}

/** The page's own type of `WebSocket`, where the DOM library or Node's types declare one. */
export type BridgedWebSocket = typeof globalThis extends { WebSocket: infer Class } ? Class : PageWebSocketClass;

/** A bridge that stands until it is disposed. */
export interface MockSocketBridge extends Disposable {
  /** What the global `WebSocket` is meanwhile: for code that takes its class as a parameter. */
  readonly WebSocket: BridgedWebSocket;
}

const mock = await MockClass.load();

/**
 * Until it is disposed, or the test's target has ended, `new WebSocket(address)` at `url`, or anywhere below it, reaches the app: the global one, and
 * mock-socket's own. Path, query and subprotocols are the app's to read. The page's sockets come to rest with the test's
 * clients, are in its transcripts as `browser 1`, `browser 2`, …, and need no timers of their own.
 *
 * @throws {ChannelBoxError} `CHANNELBOX_BRIDGE_TARGET` for what is no target, `CHANNELBOX_BRIDGE_URL` for what is no WebSocket address, `CHANNELBOX_BRIDGE_TAKEN` where
 *   another bridge stands at it, `CHANNELBOX_NO_PEER` (on import) where mock-socket is not installed
 */
export function bridgeMockSocket(testApp: TestTarget, url: string, options: BridgeOptions = {}): MockSocketBridge {
  if (!(testApp instanceof Target)) {
    throw new ChannelBoxError(
      'CHANNELBOX_BRIDGE_TARGET',
      'bridgeMockSocket(testApp, url) takes what testApp(…) or testUrl(…) returned, and then the address',
    );
  }
  const at = new BridgeAddress(url);
  const server: PageServer = {
    browserClients: testApp.browserClients,
    log: testApp.log,
    pages: new Set(),
    request: (asked, subprotocols) => {
      const { host, protocol, pathname, search } = asked;
      const origin = options.origin ?? `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}`;
      const request = requestOf('/', { ...options, origin, subprotocols });
      const headers = testApp.isVirtual ? [['Host', host] as const, ...request.headers] : request.headers;
      return { ...request, headers, target: `${pathname}${search}` };
    },
    failed: (error, { page, url: { pathname }, type }) =>
      testApp.pageFailed(error, { connection: page, route: pathname, hook: `the page's listener of ${type}` }),
  };
  const bridged: BridgedUrl = { covers: (asked) => at.covers(asked), length: at.path.length, key: at.key, server };
  const end = mock.add(bridged);
  const dispose = (): void => {
    end();
    for (const page of [...server.pages]) page.leave();
  };
  testApp.atEnd(dispose);
  return { WebSocket: mock.class as BridgedWebSocket, [Symbol.dispose]: dispose };
}

/** Scheme, host and the path under which a bridge answers. */
class BridgeAddress {
  readonly #origin: string;
  readonly path: string;

  constructor(url: string) {
    if (!URL.canParse(url) || !/^wss?:$/.test(new URL(url).protocol)) {
      throw new ChannelBoxError(
        'CHANNELBOX_BRIDGE_URL',
        `a bridge stands at an address like ws://chat.test, ${JSON.stringify(url)} came`,
      );
    }
    const { protocol, host, pathname } = new URL(url);
    this.#origin = `${protocol}//${host}`;
    this.path = pathname.replace(/\/$/, '');
  }

  get key(): string {
    return `${this.#origin}${this.path}`;
  }

  covers({ protocol, host, pathname }: URL): boolean {
    if (`${protocol}//${host}` !== this.#origin) return false;
    return pathname === this.path || pathname.startsWith(`${this.path}/`);
  }
}
