import type { Keeping } from '../time/scheduler.ts';
import type {
  Awaitable,
  CloseOptions,
  CloseTarget,
  Counts,
  Entry,
  GroupMessage,
  LocalNode,
  Member,
  Payload,
  SendOutcome,
} from '../layer/layer.ts';
import { frameOf } from '../protocol/codec.ts';
import type { SocketChannel } from './channel.ts';
import { fanOut } from './fan-out.ts';
import { countGroups, Groups } from './groups.ts';
import { Holds } from './resume-buffers.ts';
import type { Seat } from './channel-socket.ts';

/** The sockets and groups of this node. All of it happens at once. */
export class LocalChannels implements LocalNode {
  readonly holds: Holds = new Holds();
  readonly #keeping: Keeping;
  /** Of everybody who has asked to be let in; the app's own set. */
  #seats: ReadonlySet<Seat> = new Set<Seat>();
  /** Only those whose id somebody has read: nobody can name the others. */
  readonly #byId = new Map<string, Seat>();
  readonly #groups = new Groups<SocketChannel>();
  /** What members receive of a saved message. */
  readonly #payloadFor: (entry: Entry, group: string) => Payload;
  readonly #nodeName: () => string;

  constructor(keeping: Keeping, nodeName: () => string, payloadFor: (entry: Entry, group: string) => Payload) {
    this.#keeping = keeping;
    this.#nodeName = nodeName;
    this.#payloadFor = payloadFor;
  }

  /** Those who are let in. */
  get seats(): Seat[] {
    return Array.from(this.#seats).filter((seat) => seat.isOpen);
  }

  get counts(): { channels: number; groups: number; memberships: number } {
    let channels = 0;
    for (const seat of this.#seats) if (seat.isOpen && seat.hasChannel) channels += 1;
    return { channels, groups: this.#groups.size, memberships: this.#groups.memberships };
  }

  /** Looks for its seats in a set that somebody else keeps: one more entry for each socket is saved. */
  lookIn(seats: ReadonlySet<Seat>): void {
    this.#seats = seats;
  }

  /** From the moment somebody knows its id, a socket can be sent to by it. */
  list(id: string, seat: Seat): void {
    this.#byId.set(id, seat);
  }

  release(seat: Seat): void {
    if (seat.knownId !== undefined) this.#byId.delete(seat.knownId);
  }

  /** @returns whether it is new in the group, and whether it is the first of this node */
  join(member: SocketChannel, group: string): { isNew: boolean; isFirst: boolean } {
    const isFirst = this.#groups.get(group) === undefined;
    return { isNew: this.#groups.join(member, group).isNew, isFirst };
  }

  leave(member: SocketChannel, group: string): 'left' | 'last' | 'no-member' | 'no-group' {
    const found = this.#groups.get(group);
    if (found === undefined) return 'no-group';
    if (!this.#groups.leave(member, found)) return 'no-member';
    return found.members.size === 0 ? 'last' : 'left';
  }

  isMember(member: SocketChannel, group: string): boolean {
    return this.#groups.get(group)?.members.has(member) ?? false;
  }

  groupsOf(member: SocketChannel): string[] {
    return this.#groups.groupsOf(member).map((group) => group.name);
  }

  countGroups(member: SocketChannel): number {
    return countGroups(member);
  }

  membersIn(group: string): SocketChannel[] {
    return [...(this.#groups.get(group)?.members ?? [])];
  }

  /** Kind of a member that bytes cannot reach. */
  textualKind(group: string): 'json' | 'text' | undefined {
    const found = this.#groups.get(group);
    if (found === undefined || found.textual === 0) return undefined;
    for (const { payloadType } of found.members) if (payloadType !== 'bytes') return payloadType;
    return undefined;
  }

  deliver(group: string, message: GroupMessage, entry: Entry | undefined): Counts {
    const found = this.#groups.get(group);
    if (found === undefined) return { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };
    const payload = entry === undefined ? message.payload : this.#payloadFor(entry, group);
    return fanOut(found, payload, {
      except: this.#channelsOf(message.except),
      nowMs: this.#keeping.turn.stampMs(),
      hold: (member, frame) => this.holds.add(member, group, { frame, position: entry?.position }),
    });
  }

  send(channel: string, payload: Payload): Awaitable<SendOutcome> | undefined {
    const seat = this.#byId.get(channel);
    return seat?.post(frameOf(payload, seat.channel.payloadType));
  }

  close(target: CloseTarget, options: CloseOptions): number {
    const { code = 1000, reason = '' } = options;
    const seats = this.#seatsOf(target);
    for (const seat of seats) void seat.close(code, reason);
    return seats.length;
  }

  members(group: string): Member[] {
    return Array.from(this.#groups.get(group)?.members ?? [], (channel) => this.memberOf(channel));
  }

  memberOf(channel: SocketChannel): Member {
    const { uuid, created, metadata } = channel;
    return { uuid, node: this.#nodeName(), created, metadata };
  }

  groups(): Iterable<string> {
    return this.#groups.names();
  }

  hasGroup(group: string): boolean {
    return this.#groups.get(group) !== undefined;
  }

  #channelsOf(ids: readonly string[]): ReadonlySet<SocketChannel> | undefined {
    if (ids.length === 0) return undefined;
    const channels = new Set<SocketChannel>();
    for (const id of ids) {
      const seat = this.#byId.get(id);
      if (seat !== undefined) channels.add(seat.channel as SocketChannel);
    }
    return channels;
  }

  #seatsOf(target: CloseTarget): Seat[] {
    if (target === 'all') return this.seats;
    if ('group' in target) return this.membersIn(target.group).map((channel) => channel.seat);
    const seat = this.#byId.get(target.channel);
    return seat === undefined ? [] : [seat];
  }
}
