import { LimitError } from './errors.ts';
import { offence } from './socket/ending.ts';
import { closeCode } from './protocol/close-code.ts';
import type { ServerWebSocket } from './socket/websocket.ts';
import type { Turn } from './time/turn.ts';

/** What an app's budget looks at. */
export interface BudgetHost {
  /** Default: without bound. */
  readonly memoryBudgetBytes: number | undefined;
  readonly sockets: ReadonlySet<ServerWebSocket>;
  readonly turn: Turn;
  historyBytes(): number;
}

/**
 * What all sockets of an app hold together, looked at when a turn ends that has added to it. Past the budget the socket
 * that holds most is closed with 1013, then the next, until what is left fits.
 */
export class MemoryBudget {
  /** Of all queues, ended sockets whose frames are still handed out included. */
  inboundBytes = 0;
  readonly #host: BudgetHost;
  readonly #bytesMax: number;
  #isLooking = false;

  /** @throws {LimitError} `CHANNELBOX_LIMITS` */
  constructor(host: BudgetHost) {
    const { memoryBudgetBytes = Infinity } = host;
    if (typeof memoryBudgetBytes !== 'number' || !(memoryBudgetBytes > 0)) {
      const came = String(memoryBudgetBytes);
      throw new LimitError('CHANNELBOX_LIMITS', `memoryBudgetBytes is ${came}; allowed is a number above 0`);
    }
    this.#host = host;
    this.#bytesMax = memoryBudgetBytes;
  }

  /** Nobody new comes in. */
  get isSpent(): boolean {
    return this.#bytesMax !== Infinity && this.#heldBytes > this.#bytesMax;
  }

  /** So many more bytes wait for handlers, or fewer. */
  hold(bytes: number): void {
    this.inboundBytes += bytes;
    if (bytes > 0) this.look();
  }

  /** Something was added. */
  look(): void {
    if (this.#bytesMax === Infinity || this.#isLooking) return;
    this.#isLooking = true;
    this.#host.turn.atEnd(() => {
      this.#isLooking = false;
      this.#enforce();
    });
  }

  get #heldBytes(): number {
    let bytes = this.inboundBytes + this.#host.historyBytes();
    for (const socket of this.#host.sockets) bytes += socket.bufferedBytes + socket.inbox.pulse.unfinishedBytes;
    return bytes;
  }

  #enforce(): void {
    let overBytes = this.#heldBytes - this.#bytesMax;
    if (overBytes <= 0) return;
    const holders = [...this.#host.sockets]
      .filter((socket) => socket.isOpen)
      .map((socket) => ({
        socket,
        bytes: socket.bufferedBytes + socket.inbox.queuedBytes + socket.inbox.pulse.unfinishedBytes,
      }))
      .toSorted((one, other) => other.bytes - one.bytes);
    for (const { socket, bytes } of holders) {
      if (overBytes <= 0 || bytes === 0) return;
      overBytes -= bytes;
      socket.breach(offence('the server is short of memory', closeCode.tryAgainLater));
    }
  }
}
