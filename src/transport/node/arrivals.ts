import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';

/** Node reads no more than this of the headers of a request. */
const headerBytesMax = 16 * 1024;
/** Of a connection that has not asked for anything yet, beside what it has sent: its socket and its parser. */
const socketBytes = 2_560;
/** So many that are gone are kept beside as many that are not, before they are looked for. */
const goneMin = 32;

/**
 * Arrivals are the connections of a server whose first request has not come to its end: strangers of whom nothing is
 * known but what they hold.
 */
export class Arrivals {
  /** Who is gone without a word among them, until they are looked through: a listener on each would cost more. */
  readonly #sockets = new Set<Socket>();
  #sweepsAt = 2 * goneMin;

  /** From here on its connections count, each until its first request is whole. */
  watch(server: HttpServer): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      if (this.#sockets.size >= this.#sweepsAt) this.#sweep();
    });
    // An upgrade is told of by whoever takes it: one more listener would look as if somebody else might.
    server.prependListener('request', ({ socket }) => this.arrived(socket));
  }

  get bytes(): number {
    let bytes = 0;
    this.#sweep();
    for (const socket of this.#sockets) bytes += bytesOf(socket);
    return bytes;
  }

  /** Of each, what it holds. */
  *holders(): Iterable<{ readonly bytes: number; cut(): void }> {
    this.#sweep();
    for (const socket of this.#sockets) yield { bytes: bytesOf(socket), cut: () => void socket.destroy() };
  }

  readonly arrived = (socket: Socket): void => {
    this.#sockets.delete(socket);
  };

  #sweep(): void {
    for (const socket of this.#sockets) if (socket.destroyed) this.#sockets.delete(socket);
    this.#sweepsAt = 2 * (goneMin + this.#sockets.size);
  }
}

function bytesOf(socket: Socket): number {
  return socketBytes + Math.min(headerBytesMax, socket.bytesRead);
}
