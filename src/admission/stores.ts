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

/** Values of `StoreOwner.listedIn` that are no turn. */
const unlisted = -1;
const listed = -2;

/**
 * Keeps what all sockets of an app hold as running totals, so that looking costs the same for ten sockets and for ten thousand.
 * What waits for peers only the system knows, and takes when it likes: so sockets that were written to are listed, at the end of
 * the turn those that wait for nothing are struck off, and a look asks the rest. Where a wire tells by itself what stays behind
 * of a turn, its socket is listed then, and only a look within that turn asks it: a delivery costs no visit.
 */
export class Stores {
  readonly #turn: Turn;
  readonly #listed = new Set<StoreOwner>();
  #fresh: StoreOwner[] = [];
  #siftsAtEnd = false;
  /** Of that turn, whose wires tell. */
  #writing: StoreOwner[] = [];
  #writingIn = -1;
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
    if (this.#writingIn === this.#turn.ordinal) {
      for (const owner of this.#writing) if (owner.listedIn !== listed) bufferedBytes += owner.bufferedBytes;
    }
    return { bufferedBytes, inboundBytes, headerBytes: this.#headerBytes };
  }

  /** So many more bytes wait for handlers, or fewer. */
  hold(bytes: number): void {
    this.#inboundBytes += bytes;
  }

  /** It asks to be let in, or has been written to. */
  list(owner: StoreOwner): void {
    if (owner.listedIn === listed) return;
    owner.listedIn = listed;
    this.#fresh.push(owner);
    if (this.#siftsAtEnd) return;
    this.#siftsAtEnd = true;
    this.#turn.atEnd(this.#siftAtEnd);
  }

  /** It has been written to, and its wire tells what stays behind. */
  write(owner: StoreOwner): void {
    const { ordinal } = this.#turn;
    if (owner.listedIn === listed || owner.listedIn === ordinal) return;
    owner.listedIn = ordinal;
    if (this.#writingIn !== ordinal) {
      this.#writingIn = ordinal;
      this.#writing = [];
      this.#turn.atEnd(this.#letGo);
    }
    this.#writing.push(owner);
  }

  /** It was let in: from here on it keeps its request. */
  admit(owner: StoreOwner): void {
    this.#headerBytes += owner.upgrade.keptBytes ?? 0;
    // Nearly all are answered as soon as they ask, and the answer is out: they need not be visited again.
    if (this.#fresh.at(-1) !== owner || !holdsNothing(owner)) return this.list(owner);
    this.#fresh.pop();
    owner.listedIn = unlisted;
  }

  /** It is gone, with all that it held but what a handler still has to take. */
  forget(owner: StoreOwner, wasAdmitted: boolean): void {
    owner.listedIn = unlisted;
    this.#listed.delete(owner);
    if (wasAdmitted) this.#headerBytes -= owner.upgrade.keptBytes ?? 0;
  }

  /** Of those that something was done with since the last time, who still waits. */
  #siftFresh(): void {
    const fresh = this.#fresh;
    // Nearly always: who has asked was let in at once.
    if (fresh.length === 0) return;
    this.#fresh = [];
    for (const owner of fresh) {
      if (owner.listedIn !== listed) continue;
      if (holdsNothing(owner)) owner.listedIn = unlisted;
      else this.#listed.add(owner);
    }
  }

  readonly #siftAtEnd = (): void => {
    this.#siftsAtEnd = false;
    this.#siftFresh();
  };

  /** Of a turn that is over nobody is kept. What was written since, in another one, stays. */
  readonly #letGo = (): void => {
    if (this.#writingIn !== this.#turn.ordinal) this.#writing = [];
  };

  #sift(): void {
    this.#siftFresh();
    for (const owner of this.#listed) {
      if (!holdsNothing(owner)) continue;
      owner.listedIn = unlisted;
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
