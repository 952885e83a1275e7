import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { UpgradeRequest, type HttpRefusal } from './upgrade-request.ts';
import type { Upgrade } from '../transport.ts';
import { NodeUpgrade, refuse, type OpenSocket } from './upgrade.ts';

/** What a listener needs of the app that it lets into. */
export interface UpgradeHost {
  /** Never throws; what it returns is not waited for. */
  handle(upgrade: Upgrade): unknown;
  /** Whether some route takes this path. */
  matches(path: string): boolean;
  /** It was no handshake, and has been answered so. */
  refused?(status: number, handshake: RefusedHandshake): void;
}

/** What is told of a request that was no handshake. */
export interface RefusedHandshake {
  readonly path: string;
  readonly client: { readonly host: string; readonly port: number };
  readonly fault: string;
}

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Where upgrade requests of servers that somebody else runs come in: checked, they are handed on; else refused. */
export class UpgradeListener {
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
      const handshake = new UpgradeRequest(request, socket as Socket, head);
      // Nobody else would answer it where we are alone.
      const mayIgnore = unmatched === 'ignore' && server.listenerCount('upgrade') > 1;
      if (mayIgnore && !this.#isOurs(handshake)) return;
      this.#upgrade(handshake);
    };
    this.#attached.set(server, onUpgrade);
    server.on('upgrade', onUpgrade);
  }

  /** Takes no further upgrades; open sockets stay. */
  detach(): void {
    for (const [server, onUpgrade] of this.#attached) server.off('upgrade', onUpgrade);
    this.#attached.clear();
  }

  #isOurs(handshake: UpgradeRequest): boolean {
    return handshake.asksForWebSocket && this.#host.matches(handshake.path);
  }

  #refuse({ socket, path }: UpgradeRequest, fault: HttpRefusal): void {
    const { remoteAddress: host = '', remotePort: port = 0 } = socket;
    this.#host.refused?.(fault.status, { path, client: { host, port }, fault: fault.message });
    refuse(socket, fault);
  }

  #upgrade(handshake: UpgradeRequest): void {
    const fault = handshake.fault(this.#knownHost);
    if (fault !== undefined) return this.#refuse(handshake, fault);
    this.#knownHost = handshake.host;
    this.#host.handle(new NodeUpgrade(handshake, this.#open));
  }
}
