import { URL } from 'node:url';
import { ChannelBoxError } from '../../src/index.ts';
import { PageSocket, type PageServer } from './page-socket.ts';
import { peer } from '../../src/internal.ts';

/** Where a bridge answers. */
export interface BridgedUrl {
  /** Two bridges with one key are in each other's way. */
  readonly key: string;
  /** Of its path: the longest wins. */
  readonly length: number;
  readonly server: PageServer;
  covers(url: URL): boolean;
}

/** A socket of mock-socket's, as its constructor leaves it. */
interface Face {
  url: string;
  readyState: number;
}
type NewFace = new (...given: unknown[]) => Face;
interface MockServer {
  stop(): void;
}
interface MockSocket {
  readonly WebSocket: { readonly prototype: Face };
  readonly Server: new (
    url: string,
    options: { mock: false; selectProtocol: (offered: readonly string[]) => string },
  ) => MockServer;
}
type Method = (this: Face, ...given: readonly unknown[]) => unknown;

// Kept from before fake timers can replace it.
const { queueMicrotask } = globalThis;

/** RFC 9110 §5.6.2, as the names of subprotocols are. */
const token = /^[\w!#$%&'*+.^`|~-]+$/;
const eventTypes = ['open', 'message', 'error', 'close'] as const;

/**
 * The bridge takes over mock-socket's `WebSocket` while it stands. Its own delivery has what a bridge may not have: a
 * timer of 4 ms at each step, `String(bytes)`, and 1000 as the code of what never opened. So its sockets at a bridged
 * address keep its class and constructor, and behave as a `PageSocket`; the others stay as they are, but for that 1000
 * where no server stands at their address.
 */
export class MockClass {
  readonly #mock: MockSocket;
  readonly #class: unknown;
  readonly #bridges = new Set<BridgedUrl>();
  readonly #pages = new WeakMap<Face, PageSocket>();
  /** Sockets elsewhere that were made while a bridge stood, and have not opened. */
  readonly #unopened = new WeakSet<Face>();
  /** mock-socket asks a server of its own which subprotocol it takes: the only place where it tells which were offered. */
  readonly #servers = new Map<string, MockServer>();
  #asking: PageSocket | undefined;
  #restore: (() => void) | undefined;

  static async load(): Promise<MockClass> {
    const module = await peer('mock-socket', 'channelbox/testing/mock-socket', () => import('mock-socket'));
    return new MockClass(module as unknown as MockSocket);
  }

  private constructor(mock: MockSocket) {
    this.#mock = mock;
    this.#class = new Proxy(mock.WebSocket as unknown as NewFace, {
      construct: (target, [url, ...rest], newTarget) => {
        const asked = this.#asked(url, rest[0]);
        return Reflect.construct(target, asked === undefined ? [url, ...rest] : [asked, ...rest], newTarget) as Face;
      },
    });
  }

  /** mock-socket's, which a browser's checks come before at a bridged address. */
  get class(): unknown {
    return this.#class;
  }

  /**
   * @returns how to end it
   * @throws {ChannelBoxError} `CHANNELBOX_BRIDGE_TAKEN`
   */
  add(bridge: BridgedUrl): () => void {
    for (const other of this.#bridges) {
      if (other.key !== bridge.key) continue;
      throw new ChannelBoxError(
        'CHANNELBOX_BRIDGE_TAKEN',
        `another bridge stands at ${bridge.key}; dispose it first, or give each test an address of its own`,
      );
    }
    this.#bridges.add(bridge);
    this.#restore ??= this.#takeOver();
    return () => {
      if (!this.#bridges.delete(bridge) || this.#bridges.size > 0) return;
      for (const server of this.#servers.values()) server.stop();
      this.#servers.clear();
      this.#restore?.();
      this.#restore = undefined;
    };
  }

  #takeOver(): () => void {
    const restores = [
      this.#replace(globalThis, 'WebSocket', { value: this.#class, writable: true }),
      ...this.#methods().map(([name, method]) =>
        this.#replace(this.#mock.WebSocket.prototype, name, { value: method, writable: true }),
      ),
      this.#replace(this.#mock.WebSocket.prototype, 'url', { set: this.#adopter() }),
      this.#makeEventTargets(),
    ];
    return () => {
      for (const restore of restores) restore();
    };
  }

  /** So that a socket is an `EventTarget`, as a browser's is; what mock-socket's classes have of their own stays before it. */
  #makeEventTargets(): () => void {
    const beneath = Object.getPrototypeOf(this.#mock.WebSocket.prototype) as object;
    const before = Object.getPrototypeOf(beneath) as object;
    const restoreTag = this.#replace(beneath, Symbol.toStringTag, { value: 'Object' });
    Object.setPrototypeOf(beneath, EventTarget.prototype);
    return () => {
      Object.setPrototypeOf(beneath, before);
      restoreTag();
    };
  }

  #replace(object: object, name: string | symbol, descriptor: PropertyDescriptor): () => void {
    const before = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { configurable: true, enumerable: false, ...descriptor });
    return () => {
      if (before === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, before);
    };
  }

  /** Of the prototype, so that a spy on it sees a bridged socket's calls too. */
  #methods(): [string, Method][] {
    const { prototype } = this.#mock.WebSocket as unknown as { readonly prototype: Record<string, Method> };
    const pages = this.#pages;
    const correct = (face: Face, event: MockEvent): void => this.#correctDeadClose(face, event);
    const onPage = (name: string, act: (page: PageSocket, given: readonly unknown[]) => unknown): [string, Method] => {
      const own = prototype[name] as Method;
      return [
        name,
        function (...given) {
          const page = pages.get(this);
          return page === undefined ? own.call(this, ...given) : act(page, given);
        },
      ];
    };
    const dispatchOwn = prototype['dispatchEvent'] as Method;
    return [
      onPage('send', (page, given) => page.send(given)),
      onPage('close', (page, [code, reason]) => page.close(code, reason)),
      onPage('addEventListener', (page, given) => page.listen(given)),
      onPage('removeEventListener', (page, given) => page.unlisten(given)),
      [
        'dispatchEvent',
        function (...given) {
          const page = pages.get(this);
          // mock-socket's own events are no Events; what it tells of a bridged socket is not so.
          if (page !== undefined) {
            if (given[0] instanceof Event) return page.dispatch(given[0]);
            if (isMockEvent(given[0])) return true;
            throw new TypeError('dispatchEvent takes an Event');
          }
          correct(this, given[0] as MockEvent);
          return dispatchOwn.call(this, ...given);
        },
      ],
    ];
  }

  /** The constructor's first step, `this.url = …`, is where a socket is recognised. */
  #adopter(): (this: Face, url: string) => void {
    const adopt = (face: Face, url: string): void => this.#adopt(face, url);
    return function (url) {
      Object.defineProperty(this, 'url', { value: url, writable: true, enumerable: true, configurable: true });
      adopt(this, url);
    };
  }

  #bridgeAt(url: URL): BridgedUrl | undefined {
    return [...this.#bridges]
      .filter((candidate) => candidate.covers(url))
      .toSorted((one, other) => other.length - one.length)[0];
  }

  /**
   * The address as a browser reads it; undefined where no bridge stands there.
   * @throws {DOMException} `SyntaxError` for a fragment, and for subprotocols that are none
   */
  #asked(given: unknown, protocols: unknown): string | undefined {
    if (!URL.canParse(String(given))) return undefined;
    const url = new URL(String(given));
    if (url.protocol === 'http:' || url.protocol === 'https:') url.protocol = url.protocol.replace('http', 'ws');
    if (this.#bridgeAt(url) === undefined) return undefined;
    if (url.href.includes('#')) throw new DOMException(`the address ${url.href} has a fragment`, 'SyntaxError');
    const names = (protocols === undefined ? [] : [protocols].flat()).map((name) => `${name as string}`);
    if (new Set(names).size === names.length && names.every((name) => token.test(name))) return url.href;
    throw new DOMException(`subprotocols are different tokens; ${names.join(', ')} came`, 'SyntaxError');
  }

  #adopt(face: Face, url: string): void {
    const bridge = this.#bridgeAt(new URL(url));
    if (bridge === undefined || !this.#askAt(url.split('?', 1)[0] as string)) {
      this.#unopened.add(face);
      return;
    }
    const page = new PageSocket(face, url, bridge.server);
    this.#pages.set(face, page);
    const ignore = (): void => {};
    let hasten = (): void => {
      hasten = ignore;
      this.#hasten(page);
    };
    const own: PropertyDescriptorMap = {
      readyState: { get: () => page.readyState, set: ignore },
      bufferedAmount: { get: () => page.bufferedAmount },
      extensions: { get: () => '' },
      binaryType: { get: () => page.binaryType, set: (type: PageSocket['binaryType']) => (page.binaryType = type) },
      // Its constructor sets this last but for what waits 4 ms.
      protocol: { get: () => page.protocol, set: () => hasten() },
    };
    for (const type of eventTypes) {
      own[`on${type}`] = { get: () => page.handlerOf(type), set: (value) => page.setHandler(type, value) };
    }
    for (const descriptor of Object.values(own)) Object.assign(descriptor, { configurable: true, enumerable: true });
    Object.defineProperties(face, own);
    Object.defineProperty(face, Symbol.toStringTag, { value: 'WebSocket' });
  }

  /** What never opened, because nobody serves there, did not close cleanly. */
  #correctDeadClose(face: Face, event: MockEvent): void {
    const { target } = face as { readonly target?: Face };
    // Its own events come to a socket, those of its server to a stand-in for it.
    const socket = target ?? face;
    if (event.type === 'open') this.#unopened.delete(socket);
    if (event.type !== 'close' || event.code !== 1000 || !this.#unopened.has(socket)) return;
    if (this.#isServed(socket.url)) return;
    event.code = 1006;
    event.wasClean = false;
  }

  /** Whether a server of the test's own stands there: mock-socket tells by refusing a second one. */
  #isServed(url: string): boolean {
    try {
      new this.#mock.Server(url.split('?', 1)[0] as string, { mock: false, selectProtocol: () => '' }).stop();
      return false;
    } catch {
      return true;
    }
  }

  /** @returns false where a server of the test's own stands: it has the first claim. */
  #askAt(address: string): boolean {
    if (this.#servers.has(address)) return true;
    try {
      const selectProtocol = (offered: readonly string[]): string => {
        this.#asking?.connect([...offered]);
        return '';
      };
      this.#servers.set(address, new this.#mock.Server(address, { mock: false, selectProtocol }));
      return true;
    } catch {
      return false;
    }
  }

  /** The one timer that the constructor is about to set becomes a microtask, whoever's timers these are. */
  #hasten(page: PageSocket): void {
    const { setTimeout } = globalThis;
    const hasten = (callback: (context: unknown) => void, _ms: number, context: unknown): number => {
      globalThis.setTimeout = setTimeout;
      queueMicrotask(() => {
        this.#asking = page;
        callback(context);
        this.#asking = undefined;
      });
      return 0;
    };
    globalThis.setTimeout = hasten as unknown as typeof setTimeout;
  }
}

interface MockEvent {
  readonly type?: unknown;
  code?: unknown;
  wasClean?: unknown;
}

function isMockEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && value.constructor !== Object;
}
