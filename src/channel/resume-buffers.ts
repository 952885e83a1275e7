import type { Position, SendOutcome } from '../layer/layer.ts';
import type { Frame } from '../protocol/frame.ts';
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
  /** Where in `held` what is newer than the page begins. */
  newFrom: number | undefined;
}

/**
 * Frames of a group that wait for a member whose resume is under way: what the page holds already is left out,
 * the rest follows it. Bounded as the socket is: who cannot hold more is a slow reader.
 */
export class Holds {
  /** The latest first: frames wait for all of them in turn. */
  readonly #holds = new Map<SocketChannel, Hold[]>();

  begin(member: SocketChannel, group: string): Hold {
    const hold: Hold = { member, group, held: [], bytes: 0, newFrom: undefined };
    this.#holds.set(member, [hold, ...(this.#holds.get(member) ?? [])]);
    member.isHolding = true;
    return hold;
  }

  /** @returns undefined where this member's frames of this group are not held */
  add(member: SocketChannel, group: string, held: Held): SendOutcome | undefined {
    const hold = this.#holds.get(member)?.find((candidate) => candidate.group === group);
    if (hold === undefined) return undefined;
    // One large message alone is no offence, as it is none to a socket that nothing waits in.
    if (hold.bytes > 0 && hold.bytes + held.frame.byteLength > member.seat.limits.maxBufferedBytes) return 'dropped';
    hold.bytes += held.frame.byteLength;
    hold.held.push(held);
    return 'queued';
  }

  /** What is delivered from here on is newer than the page that is being read. */
  mark(hold: Hold): void {
    hold.newFrom = hold.held.length;
  }

  /** The page is there: what was saved and delivered before, it holds or has left behind. */
  show(hold: Hold): void {
    const { newFrom = hold.held.length } = hold;
    const rest = hold.held.splice(0).filter(({ position }, at) => position === undefined || at >= newFrom);
    hold.held.push(...rest);
  }

  /** The resume is over: what waited leaves. */
  end(hold: Hold): void {
    const { member, group, held } = hold;
    this.#lift(hold);
    const nowMs = member.seat.keeping.turn.stampMs();
    for (const one of held) {
      const outcome = this.add(member, group, one) ?? member.seat.deliver(one.frame, nowMs);
      if (outcome === 'dropped') member.seat.blameSlow();
    }
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
