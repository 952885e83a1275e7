import type { Position, SendOutcome } from '../layer/layer.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Probe } from '../probe.ts';
import type { SocketChannel } from './channel.ts';

interface BufferedFrame {
  readonly frame: Frame;
  /** Of a saved message. */
  readonly position: Position | undefined;
}

export interface ResumeBuffer {
  readonly member: SocketChannel;
  readonly group: string;
  readonly held: BufferedFrame[];
  bytes: number;
  /** Where in `held` what is newer than the page begins. */
  newFrom: number | undefined;
}

/**
 * Frames of a group that wait for a member whose resume is under way: what the page holds already is left out,
 * the rest follows it. Bounded as the socket is: who cannot buffer more is a slow reader.
 */
export class ResumeBuffers {
  readonly #probe: () => Probe | undefined;
  /** The latest first: frames wait for all of them in turn. */
  readonly #buffers = new Map<SocketChannel, ResumeBuffer[]>();

  constructor(probe: () => Probe | undefined) {
    this.#probe = probe;
  }

  begin(member: SocketChannel, group: string): ResumeBuffer {
    const buffer: ResumeBuffer = { member, group, held: [], bytes: 0, newFrom: undefined };
    this.#buffers.set(member, [buffer, ...(this.#buffers.get(member) ?? [])]);
    member.isHolding = true;
    return buffer;
  }

  /** @returns undefined where this member's frames of this group are not held */
  add(member: SocketChannel, group: string, held: BufferedFrame): SendOutcome | undefined {
    const buffer = this.#buffers.get(member)?.find((candidate) => candidate.group === group);
    if (buffer === undefined) return undefined;
    // One large message alone is no offence, as it is none to a socket that nothing waits in.
    if (buffer.bytes > 0 && buffer.bytes + held.frame.byteLength > member.socket.limits.maxBufferedBytes)
      return 'dropped';
    buffer.bytes += held.frame.byteLength;
    buffer.held.push(held);
    return 'queued';
  }

  /** What is delivered from here on is newer than the page that is being read. */
  pageReadAt(buffer: ResumeBuffer): void {
    buffer.newFrom = buffer.held.length;
  }

  /** The page is there: what was saved and delivered before, it holds or has left behind. */
  dropCovered(buffer: ResumeBuffer): void {
    const { newFrom = buffer.held.length } = buffer;
    const rest = buffer.held.splice(0).filter(({ position }, at) => position === undefined || at >= newFrom);
    buffer.held.push(...rest);
  }

  /** The resume is over: what waited leaves. */
  flush(buffer: ResumeBuffer): void {
    const { member, group, held } = buffer;
    this.#lift(buffer);
    const nowMs = member.socket.scheduler.turn.stampMs();
    for (const one of held) {
      const outcome = this.add(member, group, one) ?? member.socket.deliverFrame(one.frame, nowMs);
      this.#probe()?.outcome?.(member.socket.connection, outcome, one.frame);
      if (outcome === 'dropped') member.socket.handleBackpressure();
    }
  }

  #lift(buffer: ResumeBuffer): void {
    const { member } = buffer;
    const others = (this.#buffers.get(member) ?? []).filter((candidate) => candidate !== buffer);
    if (others.length > 0) this.#buffers.set(member, others);
    else {
      this.#buffers.delete(member);
      member.isHolding = false;
    }
  }
}
