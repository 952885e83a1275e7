import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { UpgradeRequest } from './upgrade-request.ts';

/** One app as the switch of a server that it shares sees it. */
export interface SwitchedApp {
  readonly unmatched: 'deny' | 'ignore';
  /** Whether the request asks for a WebSocket where this app has a route. */
  takes(handshake: UpgradeRequest): boolean;
  /** Checks it, and lets it in or refuses it. */
  upgrade(handshake: UpgradeRequest): void;
  warn(message: string): void;
  /** Calls back once whoever has to answer an upgrade should have done so. */
  later(task: () => void): void;
}

type AnyServer = HttpServer | HttpsServer;

/** By server: apps that share one have to know of each other, and a server knows of none. */
const switches = new WeakMap<AnyServer, UpgradeSwitch>();

/**
 * The upgrades of one server part here: those of a route go to its app and to nobody else, all others to the server's
 * other listeners, and what nobody takes is answered once.
 *
 * Listeners of an event all get it, so two that answer write into one socket (ws's own server refuses every path but
 * its own). That is why the switch stands before the event and not among its listeners.
 */
export class UpgradeSwitch {
  readonly #server: AnyServer;
  readonly #emit: AnyServer['emit'];
  readonly #switched: AnyServer['emit'];
  readonly #apps: SwitchedApp[] = [];
  #hasWarned = false;

  private constructor(server: AnyServer) {
    const self = this;
    this.#server = server;
    this.#emit = server.emit;
    const switched = function (this: unknown, event: string | symbol, ...given: unknown[]): boolean {
      if (event === 'upgrade' && self.#apps.length > 0) {
        return self.#dispatch(given[0] as IncomingMessage, given[1] as Socket, given[2] as Buffer);
      }
      return self.#emitOn(event, given);
    };
    this.#switched = switched;
    server.emit = this.#switched;
    // Node emits an upgrade only where somebody listens.
    server.on('upgrade', listening);
  }

  static of(server: AnyServer): UpgradeSwitch {
    let found = switches.get(server);
    if (found === undefined) {
      found = new UpgradeSwitch(server);
      switches.set(server, found);
    }
    return found;
  }

  add(app: SwitchedApp): void {
    this.#apps.push(app);
  }

  remove(app: SwitchedApp): void {
    const at = this.#apps.indexOf(app);
    if (at >= 0) this.#apps.splice(at, 1);
    if (this.#apps.length > 0) return;
    this.#server.off('upgrade', listening);
    switches.delete(this.#server);
    // Whoever has put another in its place meanwhile still calls this one, which lets everything pass.
    if (this.#server.emit === this.#switched) this.#server.emit = this.#emit;
  }

  #emitOn(event: string | symbol, given: readonly unknown[]): boolean {
    return Reflect.apply(this.#emit, this.#server, [event, ...given]) as boolean;
  }

  #dispatch(request: IncomingMessage, socket: Socket, head: Buffer): boolean {
    const handshake = new UpgradeRequest(request, socket, head);
    const isShared = this.#server.listenerCount('upgrade') > 1;
    // What only one could take it refuses as well: it need not be asked first.
    const isAlone = !isShared && this.#apps.length === 1;
    const app = isAlone ? this.#apps[0] : this.#apps.find((each) => each.takes(handshake));
    if (app !== undefined) whenAnswered(app, handshake);
    else if (isShared) this.#leave(handshake);
    else whenAnswered(this.#denier ?? (this.#apps[0] as SwitchedApp), handshake);
    return true;
  }

  /** To the server's other listeners. None of them can be asked, so whether one has taken it is seen by what became of the socket. */
  #leave(handshake: UpgradeRequest): void {
    const { request, socket, head } = handshake;
    const before = traceOf(socket);
    this.#emitOn('upgrade', [request, socket, head]);
    const answer = (by: SwitchedApp): void => {
      if (!socket.destroyed && traceOf(socket) === before) whenAnswered(by, handshake);
    };
    const denier = this.#denier;
    if (denier === undefined) {
      const first = this.#apps[0] as SwitchedApp;
      first.later(() => answer(this.#apps[0] ?? first));
    } else {
      if (!this.#hasWarned) denier.warn(besideOthers);
      this.#hasWarned = true;
      answer(denier);
    }
  }

  get #denier(): SwitchedApp | undefined {
    return this.#apps.find(({ unmatched }) => unmatched === 'deny');
  }
}

const besideOthers =
  "the server has other listeners for upgrades: what no route takes, and none of them takes at once, is answered 404; attach(server, { unmatched: 'ignore' }) leaves it to them";

/** What whoever takes a socket changes of it: it is listened to, or written to. */
function traceOf(socket: Socket): string {
  const listeners = ['data', 'readable', 'end', 'error', 'close', 'timeout', 'finish', 'drain'].map((event) =>
    socket.listenerCount(event),
  );
  return `${socket.bytesWritten} ${socket.writableLength} ${listeners.join(' ')}`;
}

/**
 * At once, or behind the answers to requests that came before it on the same connection: those leave first, and whole
 * (RFC 9112 §9.3.2).
 */
function whenAnswered(app: SwitchedApp, handshake: UpgradeRequest): void {
  const { socket } = handshake;
  const { _httpMessage: answering } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
  if (answering === undefined || answering === null) return app.upgrade(handshake);
  answering.once('close', () => {
    if (!socket.destroyed) whenAnswered(app, handshake);
  });
}

function listening(): void {}
