import {
  WebSocketDisconnect,
  type App,
  type Frame,
  type Upgrade,
  type UpgradeAnswer,
  type Wire,
} from '../../../src/index.ts';
import type { Connection, ConnectionOwner, Dial, DialOptions } from '../../generator/connection/connection.ts';
import { MemoryWire, type WirePeer } from './memory-wire.ts';
import type { Pump } from './pump.ts';

/** Connects to an app in this process, through the one way in that every transport uses. */
export function dialMemory(app: App, pump: Pump): Dial {
  return (options, owner) => {
    const connection = new MemoryConnection(pump, options, owner);
    pump.add(() => void app.handle(connection));
    return connection;
  };
}

/** The client's end of a connection in memory, and the app's request to be let in with. */
class MemoryConnection implements Connection, Upgrade, WirePeer {
  readonly method = 'GET';
  readonly url: URL;
  readonly headers: readonly (readonly [string, string])[];
  readonly client: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 1 };
  readonly #pump: Pump;
  readonly #owner: ConnectionOwner;
  readonly #abort: AbortController = new AbortController();
  #wire: MemoryWire | undefined;
  #state: 'asking' | 'open' | 'ended' = 'asking';
  isPaused: boolean = false;

  constructor(pump: Pump, { url, subprotocols, headers }: DialOptions, owner: ConnectionOwner) {
    this.#pump = pump;
    this.#owner = owner;
    this.url = url;
    const offered = subprotocols === undefined ? [] : [['Sec-WebSocket-Protocol', subprotocols.join(', ')] as const];
    this.headers = [
      ['Host', url.host],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ...offered,
      ...Object.entries(headers ?? {}),
    ];
  }

  // What the app does.

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  accept(_answer: UpgradeAnswer): Promise<Wire> {
    if (this.#state !== 'asking') return Promise.reject(new WebSocketDisconnect(1006, '', false));
    this.#state = 'open';
    this.#wire = new MemoryWire(this.#pump, this);
    this.#pump.add(() => this.#owner.opened());
    return Promise.resolve(this.#wire);
  }

  async deny(response: Response): Promise<void> {
    if (this.#state !== 'asking') return;
    this.#state = 'ended';
    this.#pump.add(() =>
      this.#owner.refused(`http-${response.status}`, `the upgrade was answered with ${response.status}`),
    );
  }

  frame(frame: Frame): void {
    if (this.#state !== 'open') return;
    // A transport may keep its form of a frame on it: a fan-out is turned into bytes once.
    const bytes = (frame.wire ??= Buffer.from(frame.data as string)) as Buffer;
    this.#owner.frame({ bytes, start: 0, end: bytes.length, isText: frame.type === 'text' });
  }

  closed(code: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#owner.closed(code);
  }

  // What the client does.

  send(data: string | Uint8Array): void {
    const wire = this.#wire;
    if (this.#state !== 'open' || wire === undefined) return;
    this.#pump.add(() => wire.arrive(data));
  }

  close(code: number): void {
    const wire = this.#wire;
    if (this.#state === 'open' && wire !== undefined) this.#pump.add(() => wire.arriveClose(code));
  }

  terminate(): void {
    const before = this.#state;
    if (before === 'ended') return;
    this.#state = 'ended';
    if (before === 'asking') {
      this.#abort.abort(new WebSocketDisconnect(1006, '', false));
      this.#pump.add(() => this.#owner.refused('ECONNRESET', 'the client left before the upgrade was answered'));
      return;
    }
    this.#pump.add(() => {
      this.#wire?.vanish();
      this.#owner.closed(1006);
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.#pump.add(() => this.#wire?.readAgain());
  }
}
