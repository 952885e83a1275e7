import { Histogram } from '../time/histogram.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type {
  Awaitable,
  CloseOptions,
  CloseTarget,
  Counts,
  Entry,
  GroupMessage,
  LocalNode,
  Member,
  Missed,
  Payload,
  SendOutcome,
} from '../layer/layer.ts';
import type { Probe } from '../probe.ts';
import { frameOf } from '../protocol/codec.ts';
import type { SocketChannel } from './channel.ts';
import { fanOut } from './fan-out.ts';
import { countGroups, Groups } from './groups.ts';
import { ResumeBuffers } from './resume-buffers.ts';
import type { ChannelSocket } from './channel-socket.ts';

/** What the channels of a node stand on. */
export interface LocalHost {
  readonly scheduler: Scheduler;
  nodeName(): string;
  /** What members receive of a saved message. */
  payloadFor(entry: Entry, group: string): Payload;
  onMissed(group: string, what: Missed): void;
  probe(): Probe | undefined;
}

/** The sockets and groups of this node. All of it happens at once. */
export class LocalChannels implements LocalNode {
  readonly resumeBuffers: ResumeBuffers;
  /** Of each message handed to a group here: to how many, and in how long by the app's clock. */
  readonly fanOutSize: Histogram = new Histogram([1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]);
  readonly fanOutSeconds: Histogram = new Histogram([
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
  ]);
  /** Of open sockets. */
  openChannels = 0;
  readonly #host: LocalHost;
  /** Of everybody who has asked to be let in; the app's own set. */
  #sockets: ReadonlySet<ChannelSocket> = new Set<ChannelSocket>();
  /** Only those whose id somebody has read: nobody can name the others. */
  readonly #byId = new Map<string, ChannelSocket>();
  readonly #groups = new Groups<SocketChannel>();

  constructor(host: LocalHost) {
    this.#host = host;
    this.resumeBuffers = new ResumeBuffers(() => host.probe());
  }

  missed(group: string, what: Missed): void {
    this.#host.onMissed(group, what);
  }

  /** Those who are let in. */
  get sockets(): ChannelSocket[] {
    return Array.from(this.#sockets).filter((socket) => socket.isOpen);
  }

  /** Those whose time without data is up. */
  dueChannels(nowMs: number): SocketChannel[] {
    const channels = this.sockets
      .filter((socket) => socket.hasChannel)
      .map((socket) => socket.channel as SocketChannel);
    return channels.filter((channel) => channel.dueMs <= nowMs);
  }

  get counts(): { channels: number; groups: number; memberships: number } {
    return { channels: this.openChannels, groups: this.#groups.size, memberships: this.#groups.memberships };
  }

  /** Looks for its sockets in a set that somebody else keeps: one more entry for each socket is saved. */
  useSockets(sockets: ReadonlySet<ChannelSocket>): void {
    this.#sockets = sockets;
  }

  /** From the moment somebody knows its id, a socket can be sent to by it. */
  register(id: string, socket: ChannelSocket): void {
    this.#byId.set(id, socket);
  }

  unregister(socket: ChannelSocket): void {
    if (socket.knownId !== undefined) this.#byId.delete(socket.knownId);
  }

  /** @returns whether it is new in the group, and whether it is the first of this node */
  join(member: SocketChannel, group: string): { isNew: boolean; isFirst: boolean } {
    const isFirst = this.#groups.get(group) === undefined;
    const { isNew } = this.#groups.join(member, group);
    if (isNew) this.#host.probe()?.joined?.(member.socket, group);
    return { isNew, isFirst };
  }

  leave(member: SocketChannel, group: string): 'left' | 'last' | 'no-member' | 'no-group' {
    const found = this.#groups.get(group);
    if (found === undefined) return 'no-group';
    if (!this.#groups.leave(member, found)) return 'no-member';
    if (member.isHolding) this.resumeBuffers.drop(member, group);
    this.#host.probe()?.left?.(member.socket, group);
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
    const payload = entry === undefined ? message.payload : this.#host.payloadFor(entry, group);
    const { clock } = this.#host.scheduler;
    const startMs = clock.monotonic();
    const probe = this.#host.probe();
    const token = probe?.delivering?.(group, message, entry);
    const counts = fanOut(found, payload, {
      except: this.#channelsOf(message.except),
      nowMs: this.#host.scheduler.turn.stampMs(),
      buffer: (member, frame) => this.resumeBuffers.add(member, group, { frame, position: entry?.position }),
      probe,
      token,
    });
    probe?.delivered?.(token, counts);
    this.fanOutSize.observe(counts.members);
    this.fanOutSeconds.observe((clock.monotonic() - startMs) / 1000);
    return counts;
  }

  send(channel: string, payload: Payload): Awaitable<SendOutcome> | undefined {
    const socket = this.#byId.get(channel);
    if (socket === undefined) return undefined;
    const frame = frameOf(payload, socket.channel.payloadType);
    // Others send here: nobody waits for a peer that is not theirs, and no limit of it is passed for them.
    const outcome = socket.deliverFrame(frame, this.#host.scheduler.turn.stampMs());
    if (outcome === 'dropped') socket.handleBackpressure();
    return outcome;
  }

  close(target: CloseTarget, options: CloseOptions): number {
    const { code = 1000, reason = '' } = options;
    const sockets = this.#socketsOf(target);
    for (const socket of sockets) void socket.close(code, reason);
    return sockets.length;
  }

  members(group: string): Member[] {
    return Array.from(this.#groups.get(group)?.members ?? [], (channel) => this.memberOf(channel));
  }

  memberOf(channel: SocketChannel): Member {
    const { uuid, created, metadata } = channel;
    return { uuid, node: this.#host.nodeName(), created, metadata };
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
      const socket = this.#byId.get(id);
      if (socket !== undefined) channels.add(socket.channel as SocketChannel);
    }
    return channels;
  }

  #socketsOf(target: CloseTarget): ChannelSocket[] {
    if (target === 'all') return this.sockets;
    if ('group' in target) return this.membersIn(target.group).map((channel) => channel.socket);
    const socket = this.#byId.get(target.channel);
    return socket === undefined ? [] : [socket];
  }
}
