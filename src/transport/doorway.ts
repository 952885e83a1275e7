import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { refusalOf } from './request-check.ts';
import type { Upgrade } from './transport.ts';
import { NodeUpgrade, pathOf, refuse, type OpenSocket } from './upgrade.ts';

/** What a doorway needs of the app that it lets into. */
export interface UpgradeHost {
  /** Never throws; what it returns is not waited for. */
  handle(upgrade: Upgrade): unknown;
  /** Whether some route takes this path. */
  matches(path: string): boolean;
}

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Where upgrade requests of servers that somebody else runs come in: checked, they are handed on; else refused. */
export class Doorway {
  readonly #host: UpgradeHost;
  readonly #open: OpenSocket;
  /** The Host that passed last: nearly all clients of a server name it alike. */
  #knownHost: string | undefined = undefined;
  readonly #attached = new Map<HttpServer | HttpsServer, OnUpgrade>();

  constructor(host: UpgradeHost, open: OpenSocket) {
    this.#host = host;
    this.#open = open;
  }

  /** @param options.unmatched 'ignore' leaves what no route takes to the server's other listeners. */
  attach(server: HttpServer | HttpsServer, options: { unmatched?: 'deny' | 'ignore' } = {}): void {
    const { unmatched = 'deny' } = options;
    if (this.#attached.has(server)) return;
    const onUpgrade: OnUpgrade = (request, socket, head) => {
      // Nobody else would answer it where we are alone.
      const mayIgnore = unmatched === 'ignore' && server.listenerCount('upgrade') > 1;
      if (mayIgnore && !this.#isOurs(request)) return;
      this.#upgrade(request, socket, head);
    };
    this.#attached.set(server, onUpgrade);
    server.on('upgrade', onUpgrade);
  }

  /** Takes no further upgrades; open sockets stay. */
  detach(): void {
    for (const [server, onUpgrade] of this.#attached) server.off('upgrade', onUpgrade);
    this.#attached.clear();
  }

  #isOurs(request: IncomingMessage): boolean {
    return request.headers.upgrade?.toLowerCase() === 'websocket' && this.#host.matches(pathOf(request.url ?? '/'));
  }

  #upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    const refusal = refusalOf(request, this.#knownHost);
    if (refusal !== undefined) return refuse(socket, refusal);
    this.#knownHost = request.headers.host;
    this.#host.handle(new NodeUpgrade(request, socket, { open: this.#open, head }));
  }
}
