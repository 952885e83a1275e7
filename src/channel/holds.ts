import type { Position, SendOutcome } from '../layer/layer.ts';
import { closeCode } from '../socket/close-code.ts';
import type { Frame } from '../transport/frame.ts';
import type { SocketChannel } from './channel.ts';

interface Held {
  readonly frame: Frame;
  /** Of a saved message. */
  readonly position: Position | undefined;
}

export interface Hold {
  readonly member: SocketChannel;
  readonly group: string;
  readonly held: Held[];
  bytes: number;
  /** The page is out; what it showed may still come as a frame, where the layer reads faster than it delivers. */
  shown: Position | undefined;
}

export interface Page {
  readonly position: Position;
  /** Whether messages of the page may be delivered after it was read. */
  readonly mayTrail: boolean;
}

/**
 * Frames of a group that wait for a member whose resume is under way: what the page holds already is left out,
 * the rest follows it. Bounded as the socket is: who cannot hold more is a slow reader.
 */
export class Holds {
  /** The latest first: frames wait for all of them in turn. */
  readonly #holds = new Map<SocketChannel, Hold[]>();

  begin(member: SocketChannel, group: string): Hold {
    const hold: Hold = { member, group, held: [], bytes: 0, shown: undefined };
    this.#holds.set(member, [hold, ...(this.#holds.get(member) ?? [])]);
    member.isHolding = true;
    return hold;
  }

  /** @returns undefined where this member's frames of this group are not held */
  add(member: SocketChannel, group: string, held: Held): SendOutcome | undefined {
    const hold = this.#holds.get(member)?.find((candidate) => candidate.group === group);
    if (hold === undefined) return undefined;
    if (hold.shown !== undefined) return this.#addAfter(hold, hold.shown, held);
    const { maxBufferedBytes, slowConsumer } = member.seat.limits;
    // One large message alone is no offence, as it is none to a socket that nothing waits in.
    if (hold.bytes > 0 && hold.bytes + held.frame.byteLength > maxBufferedBytes) {
      if (slowConsumer === 'close') void member.seat.close(closeCode.tryAgainLater, 'too slow');
      return 'dropped';
    }
    hold.bytes += held.frame.byteLength;
    hold.held.push(held);
    return 'queued';
  }

  /** @param page what it includes is not sent again. Undefined: the resume failed, all is sent. */
  end(hold: Hold, page: Page | undefined): void {
    const { member, group, held } = hold;
    if (page?.mayTrail === true && member.seat.isOpen) hold.shown = page.position;
    else this.#lift(hold);
    const nowMs = member.seat.keeping.turn.stampMs();
    for (const one of held.splice(0)) {
      if (page !== undefined && isWithin(one.position, page.position)) continue;
      if (this.add(member, group, one) === undefined) member.seat.deliver(one.frame, nowMs);
    }
  }

  /** The member has left: nothing of the group comes any more that could have been shown. */
  release(member: SocketChannel, group: string): void {
    for (const hold of this.#holds.get(member) ?? []) {
      if (hold.group === group && hold.shown !== undefined) this.#lift(hold);
    }
  }

  #addAfter(hold: Hold, shown: Position, held: Held): SendOutcome | undefined {
    if (held.position === undefined) return undefined;
    // It has it already, by the page.
    if (isWithin(held.position, shown)) return 'sent';
    this.#lift(hold);
    return this.add(hold.member, hold.group, held);
  }

  #lift(hold: Hold): void {
    const { member } = hold;
    const others = (this.#holds.get(member) ?? []).filter((candidate) => candidate !== hold);
    if (others.length > 0) this.#holds.set(member, others);
    else {
      this.#holds.delete(member);
      member.isHolding = false;
    }
  }
}

/** Offsets of different epochs say nothing about each other. */
function isWithin(position: Position | undefined, top: Position): boolean {
  return position !== undefined && position.epoch === top.epoch && position.offset <= top.offset;
}
