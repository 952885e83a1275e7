import type { Position } from '../layer/layer.ts';
import { closeCode } from '../socket/close-code.ts';
import type { Frame } from '../transport/frame.ts';
import type { SocketChannel } from './channel.ts';

interface Held {
  readonly frame: Frame;
  /** Of a saved message. */
  readonly offset: number | undefined;
}

export interface Hold {
  readonly member: SocketChannel;
  readonly group: string;
  readonly held: Held[];
  bytes: number;
}

/**
 * Frames of a group that wait for a member whose resume is under way: what the page holds already is left out,
 * the rest follows it. Bounded as the socket is: who cannot hold more is a slow reader.
 */
export class Holds {
  readonly #holds = new Map<SocketChannel, Hold[]>();

  begin(member: SocketChannel, group: string): Hold {
    const hold: Hold = { member, group, held: [], bytes: 0 };
    const others = this.#holds.get(member);
    if (others === undefined) this.#holds.set(member, [hold]);
    else others.push(hold);
    member.isHolding = true;
    return hold;
  }

  /** @returns undefined where this member's frames of this group are not held */
  add(member: SocketChannel, group: string, held: Held): 'queued' | 'dropped' | undefined {
    const hold = this.#holds.get(member)?.find((candidate) => candidate.group === group);
    if (hold === undefined) return undefined;
    hold.bytes += held.frame.byteLength;
    const { maxBufferedBytes, slowConsumer } = member.seat.limits;
    if (hold.bytes > maxBufferedBytes) {
      if (slowConsumer === 'close') void member.seat.close(closeCode.tryAgainLater, 'too slow');
      return 'dropped';
    }
    hold.held.push(held);
    return 'queued';
  }

  /** @param position of the page; what it includes is not sent again. Undefined: the resume failed, all is sent. */
  end(hold: Hold, position: Position | undefined): void {
    const { member, held } = hold;
    const others = (this.#holds.get(member) ?? []).filter((candidate) => candidate !== hold);
    if (others.length > 0) this.#holds.set(member, others);
    else {
      this.#holds.delete(member);
      member.isHolding = false;
    }
    const nowMs = member.seat.keeping.turn.stampMs();
    for (const { frame, offset } of held) {
      if (offset !== undefined && position !== undefined && offset <= position.offset) continue;
      member.seat.deliver(frame, nowMs);
    }
  }
}
