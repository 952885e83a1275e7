import type { Socket } from 'node:net';
import type { Deadline } from '../../time/deadlines.ts';
import type { Scheduler } from '../../time/scheduler.ts';

/** Refusals that are out and not yet read: each is cut off when its time is up, and counts until then. */
export class Answers {
  readonly #scheduler: Scheduler;
  readonly #timeoutMs: number;
  readonly #sockets = new Set<Socket>();

  constructor(scheduler: Scheduler, timeoutMs: number) {
    this.#scheduler = scheduler;
    this.#timeoutMs = timeoutMs;
  }

  get count(): number {
    return this.#sockets.size;
  }

  get bufferedBytes(): number {
    let bytes = 0;
    for (const socket of this.#sockets) bytes += socket.writableLength;
    return bytes;
  }

  /** Called with each socket that is being answered. */
  readonly add = (socket: Socket): void => {
    if (socket.destroyed) return;
    const { clock, deadlines } = this.#scheduler;
    const end: Deadline = {
      dueMs: clock.monotonic() + this.#timeoutMs,
      heapIndex: -1,
      onDue: () => socket.destroy(),
    };
    this.#sockets.add(socket);
    deadlines.schedule(end);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      deadlines.cancel(end);
    });
  };

  /** Nobody waits for them any more. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
