import type { Socket } from 'node:net';
import type { Deadline } from '../../time/deadlines.ts';
import type { Scheduler } from '../../time/scheduler.ts';
import { portion } from '../../time/turn.ts';

/** One refusal, from the moment it is made until it is read. */
export class Answering {
  /** Of a body that is being read from whoever makes it. */
  bodyBytes = 0;
  readonly #grew: (bytes: number) => Promise<void> | undefined;

  constructor(grew: (bytes: number) => Promise<void> | undefined = () => undefined) {
    this.#grew = grew;
  }

  /** Some more of its body has come. @returns what to wait for before the next is asked for: a body without end holds nobody up */
  grow(bytes: number): Promise<void> | undefined {
    this.bodyBytes += bytes;
    return this.#grew(bytes);
  }
}

export interface AnswersHost {
  readonly scheduler: Scheduler;
  /** Of each, until it is cut off. */
  readonly timeoutMs: number;
  /** There is more of them than before. */
  grew(): void;
}

/** Refusals that are on their way and not yet read: each is cut off when its time is up, and counts until then. */
export class Answers {
  readonly #host: AnswersHost;
  readonly #sockets = new Map<Socket, Answering>();

  constructor(host: AnswersHost) {
    this.#host = host;
  }

  get count(): number {
    return this.#sockets.size;
  }

  get bytes(): number {
    let bytes = 0;
    for (const [socket, { bodyBytes }] of this.#sockets) bytes += socket.writableLength + bodyBytes;
    return bytes;
  }

  /** Of each, what it holds. */
  *holders(): Iterable<{ readonly bytes: number; cut(): void }> {
    for (const [socket, { bodyBytes }] of this.#sockets) {
      yield { bytes: socket.writableLength + bodyBytes, cut: () => void socket.destroy() };
    }
  }

  /** Called with each socket that is being answered. */
  readonly add = (socket: Socket): Answering => {
    const { scheduler, timeoutMs } = this.#host;
    const { clock, deadlines, turn } = scheduler;
    let portionBytes = 0;
    const answering = new Answering((bytes) => {
      this.#host.grew();
      portionBytes += bytes;
      if (portionBytes < portion.bytes) return undefined;
      portionBytes = 0;
      return turn.over;
    });
    if (socket.destroyed) return answering;
    const end: Deadline = {
      dueMs: clock.monotonic() + timeoutMs,
      heapIndex: -1,
      onDue: () => socket.destroy(),
    };
    this.#sockets.set(socket, answering);
    deadlines.schedule(end);
    this.#host.grew();
    socket.once('close', () => {
      this.#sockets.delete(socket);
      deadlines.cancel(end);
    });
    return answering;
  };

  /** Nobody waits for them any more. */
  cut(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }
}
