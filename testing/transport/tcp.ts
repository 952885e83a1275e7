import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Upgrade } from '../../src/index.ts';
import type { Link, LinkEvents, LinkRequest, LinkTransport } from './link.ts';
import { counted, CountedLink, InFlightCounter } from './in-flight-counter.ts';
import { WatchedUpgrade } from './watched-upgrade.ts';
import { WsLink } from './ws-link.ts';

/** An app is put behind a real socket on a free port of the loopback. */
export class TcpTransport implements LinkTransport {
  readonly #server: Server = createServer();
  readonly #counters = new Set<InFlightCounter>();
  readonly #byPort = new Map<number, InFlightCounter>();
  #port: Promise<number> | undefined;
  /** Connections that wait for the port. */
  #opening = 0;

  constructor(app: { attach(server: Server): unknown }) {
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
    for (const inFlight of this.#counters) {
      if (inFlight.isInFlight) return true;
      if (inFlight.isOver) this.#counters.delete(inFlight);
    }
    return false;
  }

  /** For the probe: counts what passes the server's end. */
  watch(upgrade: Upgrade): Upgrade {
    const inFlight = this.#byPort.get(upgrade.client.port);
    if (inFlight === undefined) return upgrade;
    this.#byPort.delete(upgrade.client.port);
    inFlight.hasArrived = true;
    inFlight.upgrade = upgrade;
    const watched = new WatchedUpgrade(upgrade, inFlight);
    inFlight.onAsked?.(watched);
    return watched;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.closeAllConnections();
      this.#server.close(() => resolve());
      for (const inFlight of this.#counters) if (!inFlight.clientIsOver) inFlight.link.drop();
    });
  }

  #open(request: LinkRequest, events: LinkEvents, port: number): Link {
    const inFlight = new InFlightCounter(
      (made) =>
        new WsLink(request, counted(events, made), {
          origin: `ws://127.0.0.1:${port}`,
          onPort: (from) => this.#byPort.set(from, made),
        }),
    );
    inFlight.client = request.client;
    const onAsked = (upgrade: Upgrade): void => events.asked?.(upgrade);
    inFlight.onAsked = onAsked;
    this.#counters.add(inFlight);
    return new CountedLink(inFlight);
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
