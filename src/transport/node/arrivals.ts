import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';

/** Node reads no more than this of the headers of a request. */
const headerBytesMax = 16 * 1024;
/** Of a connection that has not asked for anything yet, beside what it has sent: its socket and its parser. */
const socketBytes = 2_560;

/**
 * Arrivals are the connections of a server whose first request has not come to its end: strangers of whom nothing is
 * known but what they hold.
 */
export class Arrivals {
  readonly #sockets = new Set<Socket>();
  readonly #forget: (this: Socket) => void;

  constructor() {
    const sockets = this.#sockets;
    const forget = function (this: Socket): void {
      sockets.delete(this);
    };
    this.#forget = forget;
  }

  /** From here on its connections count, each until its first request is whole. */
  watch(server: HttpServer): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', this.#forget);
    });
    // An upgrade is told of by whoever takes it: one more listener would look as if somebody else might.
    server.prependListener('request', ({ socket }) => this.arrived(socket));
  }

  get bytes(): number {
    let bytes = 0;
    for (const socket of this.#sockets) bytes += bytesOf(socket);
    return bytes;
  }

  /** Of each, what it holds. */
  *holders(): Iterable<{ readonly bytes: number; cut(): void }> {
    for (const socket of this.#sockets) yield { bytes: bytesOf(socket), cut: () => void socket.destroy() };
  }

  readonly arrived = (socket: Socket): void => {
    if (this.#sockets.delete(socket)) socket.off('close', this.#forget);
  };
}

function bytesOf(socket: Socket): number {
  return socketBytes + Math.min(headerBytesMax, socket.bytesRead);
}
