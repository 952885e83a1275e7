import { WebSocketDisconnect, type Upgrade, type UpgradeAnswer, type Wire, type WireEvents } from '../../src/index.ts';
import type { InFlightCounter } from './in-flight-counter.ts';

/** Counts what passes the server's end, and pretends where it comes from. */
export class WatchedUpgrade implements Upgrade {
  readonly #upgrade: Upgrade;
  readonly #inFlight: InFlightCounter;

  constructor(upgrade: Upgrade, inFlight: InFlightCounter) {
    this.#upgrade = upgrade;
    this.#inFlight = inFlight;
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
    return this.#inFlight.client ?? this.#upgrade.client;
  }

  get request(): Upgrade['request'] {
    return this.#upgrade.request;
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
    const wire = this.acceptNow(answer);
    if (wire === undefined) throw new WebSocketDisconnect(1006, '', false);
    return wire;
  }

  /** At once, as the node transport does it: a handler that does not await its accept meets what it meets elsewhere. */
  acceptNow(answer: UpgradeAnswer): Wire | undefined {
    this.#inFlight.isAnswered = true;
    const wire = this.#upgrade.acceptNow?.(answer);
    if (wire !== undefined) return new WatchedWire(wire, this.#inFlight);
    this.#inFlight.serverIsOver = true;
    return undefined;
  }

  deny(response: Response): Promise<void> {
    this.#inFlight.isAnswered = true;
    this.#inFlight.serverIsOver = true;
    return this.#upgrade.deny(response);
  }
}

class WatchedWire implements Wire {
  readonly #wire: Wire;
  readonly #inFlight: InFlightCounter;

  constructor(wire: Wire, inFlight: InFlightCounter) {
    this.#wire = wire;
    this.#inFlight = inFlight;
  }

  get bufferedBytes(): number {
    return this.#wire.bufferedBytes;
  }

  get waitingBytes(): number {
    return this.#wire.waitingBytes;
  }

  write(frame: Parameters<Wire['write']>[0]): ReturnType<Wire['write']> {
    const outcome = this.#wire.write(frame);
    if (outcome !== 'closed') this.#inFlight.serverSent += 1;
    return outcome;
  }

  drained(): Promise<void> {
    return this.#wire.drained();
  }

  pause(): void {
    this.#inFlight.serverIsPaused = true;
    this.#wire.pause();
  }

  resume(): void {
    this.#inFlight.serverIsPaused = false;
    this.#wire.resume();
  }

  ping(): void {
    this.#inFlight.pings += 1;
    this.#wire.ping();
  }

  close(code: number, reason: string): void {
    this.#inFlight.serverCloses = true;
    this.#wire.close(code, reason);
  }

  terminate(): void {
    this.#inFlight.serverCloses = true;
    this.#wire.terminate();
  }

  listen(events: WireEvents): void {
    const inFlight = this.#inFlight;
    this.#wire.listen({
      frame: (message) => {
        inFlight.serverGot += 1;
        events.frame(message);
      },
      pong: () => {
        inFlight.pings = 0;
        events.pong();
      },
      close: (code, reason, wasClean) => {
        inFlight.serverEnded(wasClean);
        events.close(code, reason, wasClean);
      },
    });
  }
}
