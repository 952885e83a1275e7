import { LimitError } from '../errors.ts';
import { quiet } from '../promise.ts';
import { offence, vanished } from '../socket/ending.ts';
import { closeCode } from '../protocol/close-code.ts';
import type { SocketStores, StoreOwner } from '../socket/host.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';
import type { Turn } from '../time/turn.ts';
import { askingBytesOf, Stores, type Held } from './stores.ts';

/** Something that holds bytes and can be let go of. */
export interface Holder {
  readonly bytes: number;
  cut(): void;
}

/** What strangers hold who are no sockets of the app: they have not asked yet, or have been refused. */
export interface Outsiders {
  readonly bytes: number;
  holders(): Iterable<Holder>;
}

/** What an app's budget looks at. */
export interface BudgetHost {
  /** Default: without bound. */
  readonly memoryBudgetBytes: number | undefined;
  readonly sockets: ReadonlySet<ServerWebSocket>;
  /** Those that are gone, and whose handler still runs. */
  readonly lingering: ReadonlySet<ServerWebSocket>;
  readonly outsiders: readonly Outsiders[];
  readonly turn: Turn;
  historyBytes(): number;
}

/**
 * The budget bounds what all sockets of an app hold together, looked at when a turn ends that has added to it. Past
 * the budget the socket that holds most is closed with 1013, then the next, until what is left fits.
 */
export class MemoryBudget implements SocketStores {
  readonly #host: BudgetHost;
  readonly #stores: Stores;
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
    this.#stores = new Stores(host.turn);
    this.#bytesMax = memoryBudgetBytes;
  }

  /** Of the sockets alone. */
  get held(): Held {
    return this.#stores.held;
  }

  /** Nobody new comes in. */
  get isSpent(): boolean {
    return this.#bytesMax !== Infinity && this.#heldBytes > this.#bytesMax;
  }

  hold(bytes: number): void {
    this.#stores.hold(bytes);
    if (bytes > 0) this.look();
  }

  wrote(owner: StoreOwner): void {
    this.#stores.list(owner);
    this.look();
  }

  writing(owner: StoreOwner): void {
    this.#stores.write(owner);
    this.look();
  }

  admit(owner: StoreOwner): void {
    this.#stores.admit(owner);
    this.look();
  }

  forget(socket: ServerWebSocket): void {
    this.#stores.forget(socket, socket.wasAccepted);
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
    const { bufferedBytes, inboundBytes, headerBytes } = this.#stores.held;
    let bytes = bufferedBytes + inboundBytes + headerBytes + this.#host.historyBytes();
    for (const outsiders of this.#host.outsiders) bytes += outsiders.bytes;
    return bytes;
  }

  #enforce(): void {
    let overBytes = this.#heldBytes - this.#bytesMax;
    if (overBytes <= 0) return;
    const holders: Holder[] = [];
    for (const outsiders of this.#host.outsiders) holders.push(...outsiders.holders());
    for (const socket of this.#host.sockets) {
      const bytes = bytesOf(socket);
      // What is ending already gives back what it holds within closeTimeoutMs: nobody else pays for it.
      if (!socket.isJoinable) overBytes -= bytes;
      else if (bytes > 0) holders.push({ bytes, cut: () => letGo(socket) });
    }
    // Whoever has filled a queue and left is not there to be closed: the frames go, which nobody waits to be answered.
    for (const { inbox } of this.#host.lingering) {
      if (inbox.queuedBytes > 0) holders.push({ bytes: inbox.queuedBytes, cut: () => inbox.drop() });
    }
    holders.sort((one, other) => other.bytes - one.bytes);
    for (const { bytes, cut } of holders) {
      if (overBytes <= 0) return;
      overBytes -= bytes;
      cut();
    }
  }
}

function bytesOf(socket: ServerWebSocket): number {
  const { inbox, bufferedBytes, upgrade } = socket;
  const keptBytes = socket.wasAccepted ? (upgrade.keptBytes ?? 0) : 0;
  return bufferedBytes + inbox.queuedBytes + inbox.pulse.unfinishedBytes + keptBytes + askingBytesOf(socket);
}

function letGo(socket: ServerWebSocket): void {
  if (socket.phase === 'pending') {
    void quiet(socket.refuse(new Response(null, { status: 503 }), { by: 'limit' }, vanished));
  } else socket.breach(offence('the server is short of memory', closeCode.tryAgainLater));
}
