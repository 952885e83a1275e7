import { randomUUID } from 'node:crypto';
import { SystemClock } from '../time/clock.ts';
import { BoxError, LimitError } from '../errors.ts';
import type {
  Channel,
  ChannelBox as ChannelBoxView,
  Delivery,
  GroupSendOptions,
  JoinResult,
  LeaveResult,
  ResumeOptions,
} from '../api.ts';
import { Scheduler } from '../time/scheduler.ts';
import type {
  Awaitable,
  ChannelLayer,
  CloseOptions,
  GroupMessage,
  HistoryPage,
  Member,
  Position,
  SendOutcome,
} from '../layer/layer.ts';
import { MemoryLayer } from '../layer/memory.ts';
import type { Probe } from '../probe.ts';
import { checkClose } from '../protocol/close-code.ts';
import { encodePayload, refuseKind } from '../protocol/codec.ts';
import { isThenable } from '../promise.ts';
import { SocketChannel } from './channel.ts';
import { LocalChannels } from './local.ts';
import { deliveryOf, publicEntry, publicPage } from './page.ts';
import { boundsOf, checkCount, checkGroupName, checkPosition, type ChannelBoxOptions } from './bounds.ts';

const added = Promise.resolve<JoinResult>('CHANNEL_ADDED');
const present = Promise.resolve<JoinResult>('CHANNEL_EXIST');
const tooLate = Promise.resolve<JoinResult>('CHANNEL_CLOSED');

/** The groups of an app, their members and their history, over one layer. Belongs to one app. */
export class Box implements ChannelBoxView {
  readonly scheduler: Scheduler = new Scheduler(new SystemClock());
  readonly local: LocalChannels;
  readonly layer: ChannelLayer;
  probe: Probe | undefined = undefined;
  /** The app that it was given to. */
  owner: object | undefined = undefined;
  readonly closesExpired: boolean;
  readonly #subscribing = new Map<string, Promise<void>>();
  /** Of the app's limits; no route has another. */
  groupNameBytesMax: number = 255;
  /** The app's log takes it over. */
  onLayerError: (error: unknown) => void = () => {};

  /** @throws {BoxError} `CHANNELBOX_BOX_OPTIONS` for a bound that is no number from 0 on */
  constructor(options: ChannelBoxOptions = {}) {
    const { layer = new MemoryLayer(), closeExpired = true, frame, onMissed } = options;
    const { scheduler } = this;
    this.closesExpired = closeExpired;
    this.layer = layer;
    this.local = new LocalChannels({
      scheduler,
      nodeName: () => layer.node,
      payloadFor: (entry, group) =>
        frame === undefined ? entry.payload : encodePayload(frame(publicEntry(entry), group)),
      onMissed: (group, what) => onMissed?.(group, what),
      probe: () => this.probe,
    });
    void layer.open({
      local: this.local,
      get clock() {
        return scheduler.clock;
      },
      bounds: boundsOf(options),
      uuid: () => this.uuid(),
      report: (error) => this.onLayerError(error),
      wakeAt: (dueMs, wake) => scheduler.deadlines.schedule({ dueMs, heapIndex: -1, onDue: wake }),
    });
  }

  uuid(): string {
    return this.probe?.uuid?.() ?? randomUUID();
  }

  /** For a socket of this node. */
  channelId(): string {
    const uuid = this.uuid();
    return this.layer.channelId?.(uuid) ?? uuid;
  }

  addChannelToGroup(channel: Channel, group = 'default'): Promise<JoinResult> {
    this.probe?.called?.('join');
    try {
      const member = this.#own(channel);
      checkGroupName(group, member.socket.limits.groupNameBytes);
      if (!member.socket.isJoinable) return tooLate;
      const { isNew, ready } = this.#join(member, group);
      if (!isNew) return present;
      return ready === undefined ? added : this.#joined(member, group, ready);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  add(channel: Channel, group?: string): Promise<JoinResult> {
    return this.addChannelToGroup(channel, group);
  }

  async resume(channel: Channel, group: string, options: ResumeOptions = {}): Promise<HistoryPage> {
    const member = this.#own(channel);
    checkGroupName(group, member.socket.limits.groupNameBytes);
    const query = { since: checkPosition(options.since), limit: checkCount(options.limit), keep: 'newest' } as const;
    // Before the accept the page could not leave, and what follows it would be lost.
    if (!member.socket.isOpen && member.socket.isJoinable) member.socket.refuseUnaccepted('resume');
    if (!member.socket.isOpen) {
      const page = publicPage(await this.#wait('resume', this.layer.history(group, query)));
      await this.#wait('resume', options.first?.(page));
      return page;
    }
    // Until the page is out, frames of the group wait: nothing falls between the two, and nothing overtakes `first`.
    const { isNew, ready } = this.#join(member, group);
    const buffer = this.local.resumeBuffers.begin(member, group);
    try {
      if (ready !== undefined) await this.#wait('resume', ready);
      const answer = this.layer.history(group, {
        ...query,
        caughtUp: () => this.local.resumeBuffers.pageReadAt(buffer),
      });
      const page = publicPage(isThenable(answer) ? await this.#wait('resume', answer) : answer);
      this.local.resumeBuffers.dropCovered(buffer);
      const sending = options.first?.(page);
      if (isThenable(sending)) await this.#wait('resume', sending);
      this.local.resumeBuffers.flush(buffer);
      return page;
    } catch (error) {
      if (isNew) {
        this.#leave(member, group);
        // Who is no member after all receives nothing.
        buffer.held.length = 0;
      }
      this.local.resumeBuffers.flush(buffer);
      throw error;
    }
  }

  async removeChannelFromGroup(channel: Channel, group = 'default'): Promise<LeaveResult> {
    this.probe?.called?.('leave');
    const member = this.#own(channel);
    checkGroupName(group, this.groupNameBytesMax);
    return this.#leave(member, group);
  }

  remove(channel: Channel, group?: string): Promise<LeaveResult> {
    return this.removeChannelFromGroup(channel, group);
  }

  groupSend(group: string, payload: unknown, options: GroupSendOptions = {}): Promise<Delivery> {
    this.probe?.called?.('groupSend');
    try {
      checkGroupName(group, this.groupNameBytesMax);
      const { saveHistory: save = false } = options;
      const message: GroupMessage = { payload: encodePayload(payload), except: this.#idsOf(options.except), save };
      if (message.payload.kind === 'bytes') {
        const textual = this.local.textualKind(group);
        if (textual !== undefined) refuseKind(textual);
      }
      const published = this.layer.publish(group, message);
      if (!isThenable(published)) return Promise.resolve(deliveryOf(published));
      return this.#wait('groupSend', published).then(deliveryOf);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  async sendTo(channelId: string, payload: unknown): Promise<SendOutcome> {
    const encoded = encodePayload(payload);
    return this.#wait('sendTo', this.layer.send(channelId, encoded));
  }

  async members(group: string): Promise<Member[]> {
    checkGroupName(group, this.groupNameBytesMax);
    return this.#wait('members', this.layer.members(group));
  }

  async showGroups(): Promise<Map<string, Member[]>> {
    return this.#wait('showGroups', this.layer.groups());
  }

  showHistory(): Promise<Map<string, HistoryPage>>;
  showHistory(group: string, options?: { since?: Position; limit?: number }): Promise<HistoryPage>;
  async showHistory(
    group?: string,
    options: { since?: Position; limit?: number } = {},
  ): Promise<HistoryPage | Map<string, HistoryPage>> {
    const query = { since: checkPosition(options.since), limit: checkCount(options.limit), keep: 'oldest' } as const;
    if (group !== undefined) {
      checkGroupName(group, this.groupNameBytesMax);
      return publicPage(await this.#wait('showHistory', this.layer.history(group, query)));
    }
    const pages = new Map<string, HistoryPage>();
    for (const name of await this.#wait('showHistory', this.layer.historyGroups())) {
      pages.set(name, publicPage(await this.#wait('showHistory', this.layer.history(name, query))));
    }
    return pages;
  }

  async flushHistory(group?: string): Promise<void> {
    if (group !== undefined) checkGroupName(group, this.groupNameBytesMax);
    await this.#wait('flushHistory', this.layer.flushHistory(group));
  }

  async flushGroups(): Promise<void> {
    for (const group of [...this.local.groups()]) {
      for (const member of this.local.membersIn(group)) this.#leave(member, group);
    }
  }

  async cleanExpired(): Promise<number> {
    const nowMs = this.scheduler.clock.monotonic();
    let expired = 0;
    for (const socket of this.local.sockets) {
      if (!socket.hasChannel) continue;
      const channel = socket.channel as SocketChannel;
      if (channel.dueMs > nowMs || (!this.closesExpired && channel.joined === undefined)) continue;
      expired += 1;
      socket.expire();
    }
    return expired;
  }

  async closeChannel(channelId: string, options: CloseOptions = {}): Promise<boolean> {
    checkClose(options);
    return (await this.#wait('closeChannel', this.layer.closeChannels({ channel: channelId }, options))) > 0;
  }

  async closeGroup(group: string, options: CloseOptions = {}): Promise<number> {
    checkClose(options);
    checkGroupName(group, this.groupNameBytesMax);
    return this.#wait('closeGroup', this.layer.closeChannels({ group }, options));
  }

  async closeAllConnections(options: CloseOptions = {}): Promise<number> {
    checkClose(options);
    return this.#wait('closeAllConnections', this.layer.closeChannels('all', options));
  }

  // ── For the sockets of the app ────────────────────────────────────────────────────────────────────────────────────

  /** A socket that has ended is in no group, before any hook of it runs. */
  leaveAll(channel: SocketChannel): void {
    if (channel.joined === undefined) return;
    for (const group of this.local.groupsOf(channel)) this.#leave(channel, group);
  }

  async announce(channel: SocketChannel): Promise<void> {
    if (this.layer.announce === undefined) return;
    const member = this.local.memberOf(channel);
    for (const group of this.local.groupsOf(channel))
      await this.#wait('setMetadata', this.layer.announce?.(group, member));
  }

  /** @throws {LimitError} `CHANNELBOX_GROUPS_PER_CHANNEL` */
  #join(member: SocketChannel, group: string): { isNew: boolean; ready: Promise<void> | undefined } {
    const { groupsPerChannel } = member.socket.limits;
    if (this.local.countGroups(member) >= groupsPerChannel && !this.local.isMember(member, group)) {
      throw new LimitError(
        'CHANNELBOX_GROUPS_PER_CHANNEL',
        `the channel is in ${groupsPerChannel} groups, its limit; leave one or raise limits.groupsPerChannel`,
      );
    }
    const { isNew, isFirst } = this.local.join(member, group);
    if (!isNew) return { isNew, ready: this.#subscribing.get(group) };
    // One that has expired and only left its groups starts anew.
    member.startExpiry();
    const subscribed = isFirst ? this.#subscribe(group) : this.#subscribing.get(group);
    // Members are described only where a layer wants to know: a description costs an id.
    const announced = this.layer.announce?.(group, this.local.memberOf(member));
    if (!isThenable(subscribed) && !isThenable(announced)) return { isNew, ready: undefined };
    return { isNew, ready: Promise.all([subscribed, announced]).then(() => {}) };
  }

  /** Who joins while it is on its way waits for it too. */
  #subscribe(group: string): Promise<void> | undefined {
    const subscribing = this.layer.subscribe(group);
    if (!isThenable(subscribing)) return undefined;
    const forget = (): void => {
      if (this.#subscribing.get(group) === subscribing) this.#subscribing.delete(group);
    };
    this.#subscribing.set(group, subscribing);
    subscribing.then(forget, forget);
    return subscribing;
  }

  async #joined(member: SocketChannel, group: string, ready: Promise<void>): Promise<JoinResult> {
    try {
      await this.#wait('join', ready);
    } catch (error) {
      this.#leave(member, group);
      throw error;
    }
    return member.socket.isJoinable ? 'CHANNEL_ADDED' : 'CHANNEL_CLOSED';
  }

  #leave(member: SocketChannel, group: string): LeaveResult {
    const left = this.local.leave(member, group);
    if (left === 'no-group') return 'GROUP_DOES_NOT_EXIST';
    if (left === 'no-member') return 'CHANNEL_DOES_NOT_EXIST';
    if (this.layer.retire !== undefined) this.#inBackground(this.layer.retire(group, member.uuid));
    if (left === 'last') this.#inBackground(this.layer.unsubscribe(group));
    return left === 'last' ? 'GROUP_REMOVED' : 'CHANNEL_REMOVED';
  }
  /** @throws {BoxError} `CHANNELBOX_FOREIGN_CHANNEL` for a channel of another app */
  #own(channel: Channel): SocketChannel {
    if (channel instanceof SocketChannel && channel.socket.scheduler === this.scheduler) return channel;
    throw new BoxError(
      'CHANNELBOX_FOREIGN_CHANNEL',
      'the channel belongs to another app or was not made by channelbox; use the box of its own socket, ws.channelBox',
    );
  }

  #idsOf(except: GroupSendOptions['except']): readonly string[] {
    if (except === undefined) return [];
    return Symbol.iterator in except ? Array.from(except, (channel) => channel.uuid) : [except.uuid];
  }

  /** What is there at once stays so; what is not is a promise of ours, which a probe may want to know of. */
  #wait<T>(call: string, answer: Awaitable<T>): Promise<T> {
    const { probe } = this;
    probe?.called?.(call);
    if (!isThenable(answer)) return Promise.resolve(answer);
    if (probe?.enter === undefined) return answer;
    const token = probe.enter(call);
    return answer.finally(() => probe.leave?.(token));
  }

  /** Nobody waits for it; a layer that fails says so to the app's log. */
  #inBackground(answer: Awaitable<void>): void {
    if (isThenable(answer)) answer.catch((error: unknown) => this.onLayerError(error));
  }
}

/** The class as the package shows it. */
export const ChannelBox: new (options?: ChannelBoxOptions) => ChannelBoxView = Box;
export type ChannelBox = ChannelBoxView;
