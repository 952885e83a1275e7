import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Answering } from './answers.ts';
import type { HttpRefusal, UpgradeRequest } from './upgrade-request.ts';
import { UpgradeSwitch, type SwitchedApp } from './upgrade-switch.ts';
import type { Upgrade } from '../transport.ts';
import { NodeUpgrade, refuse, type OpenSocket, type UpgradeAnswers } from './upgrade.ts';

/** What a listener needs of the app that it lets into. */
export interface UpgradeHost {
  /** Never throws; what it returns is not waited for. */
  handle(upgrade: Upgrade): unknown;
  /** Whether some route takes this path. */
  matches(path: string): boolean;
  /** It was no handshake, and has been answered so. */
  refused?(status: number, handshake: RefusedHandshake): void;
  /** A refusal is on its way over this socket. */
  answering?(socket: Socket): Answering;
  /** Its first request is whole. */
  arrived?(socket: Socket): void;
  /** Tells whoever runs the app, in one line. */
  warn?(message: string): void;
  /** Calls back once the time for an answer, `acceptTimeoutMs`, is over. */
  later?(task: () => void): void;
}

/** What is told of a request that was no handshake. */
export interface RefusedHandshake {
  readonly path: string;
  readonly client: { readonly host: string; readonly port: number };
  readonly fault: string;
}

/** Where upgrade requests of servers that somebody else runs come in: checked, they are handed on; else refused. */
export class UpgradeListener {
  readonly #host: UpgradeHost;
  readonly #answers: UpgradeAnswers;
  /** The Host that passed last: nearly all clients of a server name it alike. */
  #knownHost: string | undefined = undefined;
  readonly #attached = new Map<HttpServer | HttpsServer, SwitchedApp>();

  constructor(host: UpgradeHost, open: OpenSocket) {
    this.#host = host;
    this.#answers = { open, answering: host.answering };
  }

  /** @param options.unmatched 'ignore' leaves what no route takes to the server's other listeners. */
  attach(server: HttpServer | HttpsServer, options: { unmatched?: 'deny' | 'ignore' } = {}): void {
    const { unmatched = 'deny' } = options;
    if (this.#attached.has(server)) return;
    const app: SwitchedApp = {
      unmatched,
      takes: (handshake) => this.#isOurs(handshake),
      upgrade: (handshake) => this.#upgrade(handshake),
      warn: (message) => this.#host.warn?.(message),
      later: (task) => this.#host.later?.(task),
    };
    this.#attached.set(server, app);
    UpgradeSwitch.of(server).add(app);
  }

  /** Takes no further upgrades; open sockets stay. */
  detach(): void {
    for (const [server, app] of this.#attached) UpgradeSwitch.of(server).remove(app);
    this.#attached.clear();
  }

  #isOurs(handshake: UpgradeRequest): boolean {
    return handshake.asksForWebSocket && this.#host.matches(handshake.path);
  }

  #refuse({ socket, path }: UpgradeRequest, fault: HttpRefusal): void {
    const { remoteAddress: host = '', remotePort: port = 0 } = socket;
    this.#host.refused?.(fault.status, { path, client: { host, port }, fault: fault.message });
    refuse(socket, fault);
    this.#host.answering?.(socket);
  }

  #upgrade(handshake: UpgradeRequest): void {
    this.#host.arrived?.(handshake.socket);
    const fault = handshake.fault(this.#knownHost);
    if (fault !== undefined) return this.#refuse(handshake, fault);
    this.#knownHost = handshake.host;
    this.#host.handle(new NodeUpgrade(handshake, this.#answers));
  }
}
