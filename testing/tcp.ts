import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App, Upgrade, UpgradeAnswer, Wire, WireEvents } from '../src/index.ts';
import type { Link, LinkEvents, LinkRequest, LinkTransport } from './link.ts';
import { WsLink } from './ws-link.ts';

/**
 * One connection as both its ends report it. It rests when each frame that one end sent has come out at the other,
 * or cannot because the other does not read; a FIN carries no byte, so both ends must have seen the end.
 */
class Passage {
  readonly link: WsLink;
  clientSent = 0;
  clientGot = 0;
  serverSent = 0;
  serverGot = 0;
  pings = 0;
  hasArrived = false;
  isAnswered = false;
  hasOpened = false;
  clientIsOver = false;
  clientCloses = false;
  serverIsOver = false;
  serverCloses = false;
  serverIsPaused = false;
  client: { readonly host: string; readonly port: number } | undefined;
  onAsked: ((upgrade: Upgrade) => void) | undefined;

  constructor(link: (passage: Passage) => WsLink) {
    this.link = link(this);
  }

  get isInFlight(): boolean {
    if (this.clientIsOver && (this.serverIsOver || !this.isAnswered || !this.hasOpened)) return false;
    if (!this.hasArrived) return !this.clientIsOver;
    if (!this.hasOpened) return this.isAnswered && !this.clientIsOver;
    return this.#isOnItsWayToServer || this.#isOnItsWayToClient;
  }

  get #isOnItsWayToServer(): boolean {
    if (this.serverIsOver || this.serverIsPaused) return false;
    return this.clientSent > this.serverGot || this.clientCloses || this.clientIsOver;
  }

  get #isOnItsWayToClient(): boolean {
    if (this.clientIsOver || this.link.isPaused) return false;
    return this.serverSent > this.clientGot || this.pings > 0 || this.serverCloses || this.serverIsOver;
  }
}

/** An app behind a real socket on a free port of the loopback. */
export class TcpTransport implements LinkTransport {
  readonly #server: Server = createServer();
  readonly #passages = new Set<Passage>();
  readonly #byPort = new Map<number, Passage>();
  #port: Promise<number> | undefined;
  /** Connections that wait for the port. */
  #opening = 0;

  constructor(app: App) {
    app.attach(this.#server);
  }

  connect(request: LinkRequest, events: LinkEvents): Link {
    const late = new LateLink();
    this.#port ??= new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port));
    });
    this.#opening += 1;
    void this.#port.then((port) => {
      this.#opening -= 1;
      late.attach(this.#open(request, events, port));
    });
    return late;
  }

  isInFlight(): boolean {
    if (this.#opening > 0) return true;
    for (const passage of this.#passages) {
      if (passage.isInFlight) return true;
      if (passage.clientIsOver && passage.serverIsOver) this.#passages.delete(passage);
    }
    return false;
  }

  /** For the probe: counts what passes the server's end. */
  watch(upgrade: Upgrade): Upgrade {
    const passage = this.#byPort.get(upgrade.client.port);
    if (passage === undefined) return upgrade;
    this.#byPort.delete(upgrade.client.port);
    passage.hasArrived = true;
    const watched = new WatchedUpgrade(upgrade, passage);
    passage.onAsked?.(watched);
    return watched;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.closeAllConnections();
      this.#server.close(() => resolve());
      for (const passage of this.#passages) if (!passage.clientIsOver) passage.link.drop();
    });
  }

  #open(request: LinkRequest, events: LinkEvents, port: number): Link {
    const passage = new Passage(
      (made) =>
        new WsLink(request, counted(events, made), {
          origin: `ws://127.0.0.1:${port}`,
          onPort: (from) => this.#byPort.set(from, made),
        }),
    );
    passage.client = request.client;
    passage.onAsked = (upgrade) => events.asked?.(upgrade);
    this.#passages.add(passage);
    return new CountedLink(passage);
  }
}

function counted(events: LinkEvents, passage: Passage): LinkEvents {
  return {
    opened: (answer) => {
      passage.hasOpened = true;
      events.opened(answer);
    },
    refused: (answer) => {
      passage.clientIsOver = true;
      events.refused(answer);
    },
    frame: (message) => {
      passage.clientGot += 1;
      events.frame(message);
    },
    closed: (code, reason, wasClean) => {
      passage.clientIsOver = true;
      events.closed(code, reason, wasClean);
    },
  };
}

class CountedLink implements Link {
  readonly #passage: Passage;

  constructor(passage: Passage) {
    this.#passage = passage;
  }

  send(data: string | Uint8Array): void {
    this.#passage.clientSent += 1;
    this.#passage.link.send(data);
  }

  close(code: number | undefined, reason: string): void {
    this.#passage.clientCloses = true;
    this.#passage.link.close(code, reason);
  }

  drop(): void {
    this.#passage.link.drop();
  }

  pause(): void {
    this.#passage.link.pause();
  }

  resume(): void {
    this.#passage.link.resume();
  }
}

/** The port is not known yet: what is asked meanwhile waits. */
class LateLink implements Link {
  #link: Link | undefined;
  #waiting: ((link: Link) => void)[] = [];

  attach(link: Link): void {
    this.#link = link;
    for (const task of this.#waiting) task(link);
    this.#waiting = [];
  }

  send(data: string | Uint8Array): void {
    this.#do((link) => link.send(data));
  }

  close(code: number | undefined, reason: string): void {
    this.#do((link) => link.close(code, reason));
  }

  drop(): void {
    this.#do((link) => link.drop());
  }

  pause(): void {
    this.#do((link) => link.pause());
  }

  resume(): void {
    this.#do((link) => link.resume());
  }

  #do(task: (link: Link) => void): void {
    if (this.#link === undefined) this.#waiting.push(task);
    else task(this.#link);
  }
}

class WatchedUpgrade implements Upgrade {
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

  async accept(answer: UpgradeAnswer): Promise<Wire> {
    this.#passage.isAnswered = true;
    return new WatchedWire(await this.#upgrade.accept(answer), this.#passage);
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
