import type { EntryPage, Position, SendOutcome } from '../layer/layer.ts';
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
  /** The page begins behind it. */
  readonly since: Position | undefined;
  readonly held: BufferedFrame[];
  bytes: number;
  /** The page will have what is saved until it is read: nothing of that is kept. */
  skipsSaved: boolean;
  /** Of the first saved message that reached this member and that the page has to hold. */
  owedFrom: Position | undefined;
  /** Where in `held` what is newer than the page begins. */
  newFrom: number | undefined;
}

/**
 * A resume buffer holds frames of a group for a member whose resume is under way: what the page holds already is left
 * out, the rest follows it. Bounded as the socket is: who cannot buffer more is a slow reader.
 */
export class ResumeBuffers {
  readonly #probe: () => Probe | undefined;
  /** The latest first: frames wait for all of them in turn. */
  readonly #buffers = new Map<SocketChannel, ResumeBuffer[]>();

  constructor(probe: () => Probe | undefined) {
    this.#probe = probe;
  }

  /** @param options.isNew it was no member before: until its page is read, only the page can give it what is saved */
  begin(
    member: SocketChannel,
    group: string,
    { isNew, since }: { isNew: boolean; since: Position | undefined },
  ): ResumeBuffer {
    const buffer: ResumeBuffer = {
      member,
      group,
      since,
      held: [],
      bytes: 0,
      skipsSaved: isNew,
      owedFrom: undefined,
      newFrom: undefined,
    };
    this.#buffers.set(member, [buffer, ...(this.#buffers.get(member) ?? [])]);
    member.isHolding = true;
    return buffer;
  }

  /** @returns undefined where this member's frames of this group are not held */
  add(member: SocketChannel, group: string, held: BufferedFrame): SendOutcome | undefined {
    const buffer = this.#buffers.get(member)?.find((candidate) => candidate.group === group);
    if (buffer === undefined) return undefined;
    if (held.position !== undefined && buffer.newFrom === undefined) {
      if (!isBehind(held.position, buffer.since)) buffer.owedFrom ??= held.position;
      // A layer that is slow to answer makes no slow reader.
      if (buffer.skipsSaved) return 'queued';
    }
    // One large message alone is no offence, as it is none to a socket that nothing waits in.
    if (buffer.bytes > 0 && buffer.bytes + held.frame.byteLength > member.socket.limits.maxBufferedBytes)
      return 'dropped';
    buffer.bytes += held.frame.byteLength;
    buffer.held.push(held);
    return 'queued';
  }

  /** Another call counts on the membership: it stays, and what comes is kept, whatever becomes of the resume. */
  keepAll(member: SocketChannel, group: string): void {
    for (const buffer of this.#buffers.get(member) ?? []) if (buffer.group === group) buffer.skipsSaved = false;
  }

  /** The member has left the group: what waited was for a member. */
  drop(member: SocketChannel, group: string): void {
    for (const buffer of this.#buffers.get(member) ?? []) {
      if (buffer.group !== group) continue;
      buffer.held.length = buffer.bytes = 0;
      buffer.skipsSaved = false;
      buffer.owedFrom = buffer.newFrom = undefined;
    }
  }

  /** What is delivered from here on is newer than the page that is being read. */
  pageReadAt(buffer: ResumeBuffer): void {
    buffer.newFrom = buffer.held.length;
  }

  /**
   * The page is there: what was saved and delivered before, it holds.
   * @returns the page, not recovered where some of that was trimmed before it could be read
   */
  dropCovered(buffer: ResumeBuffer, page: EntryPage): EntryPage {
    const { newFrom = buffer.held.length, owedFrom } = buffer;
    buffer.newFrom ??= newFrom;
    const rest = buffer.held.splice(0).filter(({ position }, at) => position === undefined || at >= newFrom);
    buffer.held.push(...rest);
    buffer.bytes = rest.reduce((bytes, { frame }) => bytes + frame.byteLength, 0);
    if (owedFrom === undefined || !page.recovered) return page;
    const from = page.entries[0]?.position ?? { epoch: page.position.epoch, offset: page.position.offset + 1 };
    const isWhole = owedFrom.epoch === from.epoch && owedFrom.offset >= from.offset;
    return isWhole ? page : { ...page, recovered: false };
  }

  /** The resume is over: what waited leaves. */
  flush(buffer: ResumeBuffer): void {
    const { member, group, held } = buffer;
    this.#lift(buffer);
    const nowMs = member.socket.scheduler.turn.stampMs();
    for (const one of held) {
      const outcome = this.add(member, group, one) ?? member.socket.deliverFrame(one.frame, nowMs);
      this.#probe()?.outcome?.(member.socket, outcome, one.frame);
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

/** Whether the client had it already. */
function isBehind(position: Position, since: Position | undefined): boolean {
  return since !== undefined && position.epoch === since.epoch && position.offset <= since.offset;
}
