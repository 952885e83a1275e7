import type { StoreOwner } from '../socket/host.ts';
import type { Turn } from '../time/turn.ts';

/** What an app's sockets hold, by what it waits for. */
export interface Held {
  /** For peers, answers to refused handshakes apart. */
  readonly bufferedBytes: number;
  /** For handlers: finished messages, unfinished ones, handshakes. */
  readonly inboundBytes: number;
  /** For who asks: the requests of open sockets. */
  readonly headerBytes: number;
}

/**
 * Keeps what all sockets of an app hold as running totals, so that looking costs the same for ten sockets and for ten thousand.
 * What waits for peers only the system knows, and takes when it likes: so sockets that were written to are listed, at the end of
 * the turn those that wait for nothing are struck off, and a look asks the rest.
 */
export class Stores {
  readonly #turn: Turn;
  readonly #listed = new Set<StoreOwner>();
  #fresh: StoreOwner[] = [];
  #inboundBytes = 0;
  #headerBytes = 0;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  get held(): Held {
    let bufferedBytes = 0;
    let inboundBytes = this.#inboundBytes;
    this.#sift();
    for (const owner of this.#listed) {
      bufferedBytes += owner.bufferedBytes;
      inboundBytes += askingBytesOf(owner);
    }
    return { bufferedBytes, inboundBytes, headerBytes: this.#headerBytes };
  }

  /** So many more bytes wait for handlers, or fewer. */
  hold(bytes: number): void {
    this.#inboundBytes += bytes;
  }

  /** It asks to be let in, or has been written to. */
  list(owner: StoreOwner): void {
    if (owner.isListed) return;
    owner.isListed = true;
    if (this.#fresh.push(owner) === 1) this.#turn.atEnd(this.#siftFresh);
  }

  /** It was let in: from here on it keeps its request. */
  admit(owner: StoreOwner): void {
    this.#headerBytes += owner.upgrade.keptBytes ?? 0;
    this.list(owner);
  }

  /** It is gone, with all that it held but what a handler still has to take. */
  forget(owner: StoreOwner, wasAdmitted: boolean): void {
    owner.isListed = false;
    this.#listed.delete(owner);
    if (wasAdmitted) this.#headerBytes -= owner.upgrade.keptBytes ?? 0;
  }

  /** Of those that something was done with since the last time, who still waits. */
  readonly #siftFresh = (): void => {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const owner of fresh) {
      if (!owner.isListed) continue;
      if (holdsNothing(owner)) owner.isListed = false;
      else this.#listed.add(owner);
    }
  };

  #sift(): void {
    this.#siftFresh();
    for (const owner of this.#listed) {
      if (!holdsNothing(owner)) continue;
      owner.isListed = false;
      this.#listed.delete(owner);
    }
  }
}

/** What a handshake holds that is not answered yet. */
export function askingBytesOf({ phase, upgrade }: StoreOwner): number {
  return phase === 'pending' || phase === 'answering' ? (upgrade.askingBytes ?? 0) : 0;
}

function holdsNothing(owner: StoreOwner): boolean {
  return owner.bufferedBytes === 0 && askingBytesOf(owner) === 0;
}
