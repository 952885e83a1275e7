import type { Frame, Upgrade, UpgradeAnswer, Wire, WireEvents } from '../src/index.ts';

const address = new URL('ws://bench.test/');
const client = { host: '127.0.0.1', port: 1 };
const { signal } = new AbortController();

/** A wire to nowhere: what a broadcast costs before any transport. */
export class MemoryWire implements Wire {
  written = 0;
  readonly bufferedBytes = 0;
  readonly waitingBytes = 0;
  #events: WireEvents | undefined = undefined;

  write(_frame: Frame): 'sent' {
    this.written += 1;
    return 'sent';
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  pause(): void {}

  resume(): void {}

  ping(): void {}

  close(code: number, reason: string): void {
    this.#events?.close(code, reason, true);
  }

  /** The peer is gone without a word. */
  terminate(): void {
    this.#events?.close(1006, '', false);
  }

  listen(events: WireEvents): void {
    this.#events = events;
  }
}

/** A request for one such wire. */
export class MemoryUpgrade implements Upgrade {
  readonly url: URL = address;
  readonly path: string = '/';
  readonly method: string = 'GET';
  readonly headers: readonly (readonly [string, string])[] = [];
  readonly client: { readonly host: string; readonly port: number } = client;
  readonly signal: AbortSignal = signal;
  readonly wire: MemoryWire = new MemoryWire();

  accept(_answer: UpgradeAnswer): Promise<Wire> {
    return Promise.resolve(this.wire);
  }

  async deny(): Promise<void> {}
}
