import type { Upgrade, UpgradeAnswer, Wire, WireEvents } from '../../src/index.ts';
import type { Passage } from './in-flight-counter.ts';

/** Counts what passes the server's end, and pretends where it comes from. */
export class WatchedUpgrade implements Upgrade {
  readonly #upgrade: Upgrade;
  readonly #passage: Passage;

  constructor(upgrade: Upgrade, passage: Passage) {
    this.#upgrade = upgrade;
    this.#passage = passage;
  }

  get url(): URL {
    return this.#upgrade.url;
  }

  get path(): string {
    return this.#upgrade.path ?? this.#upgrade.url.pathname;
  }

  get method(): string {
    return this.#upgrade.method;
  }

  get headers(): readonly (readonly [string, string])[] {
    return this.#upgrade.headers;
  }

  get client(): { readonly host: string; readonly port: number } {
    return this.#passage.client ?? this.#upgrade.client;
  }

  get signal(): AbortSignal {
    return this.#upgrade.signal;
  }

  header(name: string): string | undefined {
    const { header } = this.#upgrade;
    if (header !== undefined) return header.call(this.#upgrade, name);
    return this.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  }

  async accept(answer: UpgradeAnswer): Promise<Wire> {
    this.#passage.isAnswered = true;
    try {
      return new WatchedWire(await this.#upgrade.accept(answer), this.#passage);
    } catch (error) {
      this.#passage.serverIsOver = true;
      throw error;
    }
  }

  deny(response: Response): Promise<void> {
    this.#passage.isAnswered = true;
    this.#passage.serverIsOver = true;
    return this.#upgrade.deny(response);
  }
}

class WatchedWire implements Wire {
  readonly #wire: Wire;
  readonly #passage: Passage;

  constructor(wire: Wire, passage: Passage) {
    this.#wire = wire;
    this.#passage = passage;
  }

  get bufferedBytes(): number {
    return this.#wire.bufferedBytes;
  }

  get waitingBytes(): number {
    return this.#wire.waitingBytes;
  }

  write(frame: Parameters<Wire['write']>[0]): ReturnType<Wire['write']> {
    const outcome = this.#wire.write(frame);
    if (outcome !== 'closed') this.#passage.serverSent += 1;
    return outcome;
  }

  drained(): Promise<void> {
    return this.#wire.drained();
  }

  pause(): void {
    this.#passage.serverIsPaused = true;
    this.#wire.pause();
  }

  resume(): void {
    this.#passage.serverIsPaused = false;
    this.#wire.resume();
  }

  ping(): void {
    this.#passage.pings += 1;
    this.#wire.ping();
  }

  close(code: number, reason: string): void {
    this.#passage.serverCloses = true;
    this.#wire.close(code, reason);
  }

  terminate(): void {
    this.#passage.serverCloses = true;
    this.#wire.terminate();
  }

  listen(events: WireEvents): void {
    const passage = this.#passage;
    this.#wire.listen({
      frame: (message) => {
        passage.serverGot += 1;
        events.frame(message);
      },
      pong: () => {
        passage.pings = 0;
        events.pong();
      },
      close: (code, reason, wasClean) => {
        passage.serverIsOver = true;
        events.close(code, reason, wasClean);
      },
    });
  }
}
