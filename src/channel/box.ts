import { randomUUID } from 'node:crypto';
import { SystemClock } from '../time/clock.ts';
import { BoxError } from '../errors.ts';
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
  ChannelLayer,
  CloseOptions,
  CloseTarget,
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
import { isThenable, quiet, WatchedPromise } from '../promise.ts';
import { ownChannel, type SocketChannel } from './channel.ts';
import { BoxCalls, BoxContext, type BoxHome } from './home.ts';
import { LocalChannels } from './local.ts';
import { Memberships, type Claim } from './memberships.ts';
import { deliveryOf, idsOf, pagesOf, publicEntry, publicPage } from './page.ts';
import { boundsOf, checkCount, checkGroupName, checkKey, checkPosition, type ChannelBoxOptions } from './bounds.ts';

const added = Promise.resolve<JoinResult>('CHANNEL_ADDED');
const present = Promise.resolve<JoinResult>('CHANNEL_EXIST');
const tooLate = Promise.resolve<JoinResult>('CHANNEL_CLOSED');

/** The groups of an app, their members and their history, over one layer. Belongs to one app. */
export class Box implements ChannelBoxView {
  readonly scheduler: Scheduler = new Scheduler(new SystemClock());
  readonly local: LocalChannels;
  readonly layer: ChannelLayer;
  readonly closesExpired: boolean;
  /** While the layer connects, and from when it could not; undefined: it is there. */
  opening: Promise<void> | undefined = undefined;
  readonly #memberships: Memberships;
  readonly #calls: BoxCalls;
  #home: BoxHome | undefined = undefined;

  /** @throws {BoxError} `CHANNELBOX_BOX_OPTIONS` for a bound that is no number from 0 on */
  constructor(options: ChannelBoxOptions = {}) {
    const { layer = new MemoryLayer(), closeExpired = true, frame, onMissed } = options;
    const { scheduler } = this;
    this.#calls = new BoxCalls(scheduler.turn, () => this.#home);
    this.closesExpired = closeExpired;
    this.layer = layer;
    this.local = new LocalChannels({
      scheduler,
      nodeName: () => layer.node,
      payloadFor: (entry, group) =>
        frame === undefined ? entry.payload : encodePayload(frame(publicEntry(entry), group)),
      onMissed: (group, what) => this.#calls.run('onMissed', () => onMissed?.(group, what)),
      probe: () => this.probe,
    });
    this.#memberships = new Memberships(layer, this.local, (error) => this.#report(error));
    const opening = layer.open(
      new BoxContext(scheduler, {
        local: this.local,
        bounds: boundsOf(options),
        uuid: () => this.uuid(),
        report: (error) => this.#report(error),
      }),
    );
    if (isThenable(opening)) this.opening = this.#untilOpen(opening);
  }

  /**
   * Becomes the box of an app: on its clock, under its limits, with its sockets and its log.
   * @throws {BoxError} `CHANNELBOX_BOX_TAKEN` where it is another app's
   */
  attach(home: BoxHome): void {
    if (this.#home !== undefined) {
      throw new BoxError('CHANNELBOX_BOX_TAKEN', 'the box belongs to another app; two apps share a layer, never a box');
    }
    this.#home = home;
    this.local.useSockets(home.sockets);
    if (home.clock !== undefined) this.scheduler.useClock(home.clock);
  }

  get probe(): Probe | undefined {
    return this.#home?.probe();
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
      const isNew = this.#memberships.join(member, group);
      const claim = this.#memberships.claimOf(member, group);
      if (claim === undefined) return isNew ? added : present;
      if (!isNew) this.local.resumeBuffers.keepAll(member, group);
      const joining = this.#joined(claim, isNew ? 'CHANNEL_ADDED' : 'CHANNEL_EXIST');
      return this.#calls.later('join', channel, joining);
    } catch (error) {
      return WatchedPromise.rejecting(error, this.#calls.watch('join', channel));
    }
  }

  add(channel: Channel, group?: string): Promise<JoinResult> {
    return this.addChannelToGroup(channel, group);
  }

  resume(channel: Channel, group: string, options: ResumeOptions = {}): Promise<HistoryPage> {
    return this.#calls.later('resume', channel, this.#resume(channel, group, options));
  }

  async #resume(channel: Channel, group: string, options: ResumeOptions): Promise<HistoryPage> {
    const member = this.#own(channel);
    checkGroupName(group, member.socket.limits.groupNameBytes);
    const query = { since: checkPosition(options.since), limit: checkCount(options.limit), keep: 'newest' } as const;
    // Before the accept the page could not leave, and what follows it would be lost.
    if (!member.socket.isOpen && member.socket.isJoinable) member.socket.refuseUnaccepted('resume');
    if (!member.socket.isOpen) {
      const page = publicPage(await this.#calls.wait('resume', this.layer.history(group, query)));
      await this.#calls.wait('resume', options.first?.(page));
      return page;
    }
    // Until the page is out, frames of the group wait: nothing falls between the two, and nothing overtakes `first`.
    const { resumeBuffers } = this.local;
    const isNew = this.#memberships.join(member, group);
    const claim = isNew ? this.#memberships.claimNew(member, group) : this.#memberships.claimOf(member, group);
    if (claim !== undefined) claim.calls += 1;
    if (!isNew) resumeBuffers.keepAll(member, group);
    const buffer = resumeBuffers.begin(member, group, { isNew, since: query.since });
    try {
      if (claim?.ready !== undefined) await this.#calls.wait('resume', claim.ready);
      const answer = this.layer.history(group, { ...query, caughtUp: () => resumeBuffers.pageReadAt(buffer) });
      const read = isThenable(answer) ? await this.#calls.wait('resume', answer) : answer;
      const page = publicPage(resumeBuffers.dropCovered(buffer, read));
      const sending = options.first?.(page);
      if (isThenable(sending)) await this.#calls.wait('resume', sending);
      if (claim !== undefined) claim.isKept = true;
      return page;
    } finally {
      // Who is no member after all has left by now, and receives nothing.
      if (claim !== undefined) this.#memberships.release(claim);
      resumeBuffers.flush(buffer);
    }
  }

  removeChannelFromGroup(channel: Channel, group = 'default'): Promise<LeaveResult> {
    this.probe?.called?.('leave');
    return this.#calls.owned('leave', channel, () => {
      const member = this.#own(channel);
      checkGroupName(group, this.#groupNameBytesMax);
      return this.#memberships.leave(member, group);
    });
  }

  remove(channel: Channel, group?: string): Promise<LeaveResult> {
    return this.removeChannelFromGroup(channel, group);
  }

  /** @param by whose call it is, where that is known */
  groupSend(group: string, payload: unknown, options: GroupSendOptions = {}, by?: Channel): Promise<Delivery> {
    this.probe?.called?.('groupSend');
    try {
      checkGroupName(group, this.#groupNameBytesMax);
      const { saveHistory: save = false, key } = options;
      checkKey(key, save);
      const except = idsOf(options.except);
      const message: GroupMessage = {
        payload: encodePayload(payload),
        except,
        save,
        ...(key !== undefined && { key }),
      };
      if (message.payload.kind === 'bytes') {
        const textual = this.local.textualKind(group);
        if (textual !== undefined) refuseKind(textual);
      }
      const published = this.layer.publish(group, message);
      if (!isThenable(published)) {
        return Promise.resolve(
          this.#calls.inPortions(deliveryOf(published), message.payload, published.counts.members),
        );
      }
      const publishing = Promise.resolve(this.#calls.wait('groupSend', published)).then(deliveryOf);
      return this.#calls.later('groupSend', by, publishing);
    } catch (error) {
      return WatchedPromise.rejecting(error, this.#calls.watch('groupSend', by));
    }
  }

  /** @param by whose call it is, where that is known */
  sendTo(channelId: string, payload: unknown, by?: Channel): Promise<SendOutcome> {
    return this.#calls.owned('sendTo', by, () => {
      const encoded = encodePayload(payload);
      const sending = this.#calls.wait('sendTo', this.layer.send(channelId, encoded));
      return isThenable(sending) ? sending : this.#calls.inPortions(sending, encoded, 1);
    });
  }

  /** @param by whose call it is, where that is known */
  members(group: string, by?: Channel): Promise<Member[]> {
    return this.#calls.owned('members', by, () => {
      checkGroupName(group, this.#groupNameBytesMax);
      return this.#calls.wait('members', this.layer.members(group));
    });
  }

  showGroups(): Promise<Map<string, Member[]>> {
    return this.#calls.owned('showGroups', undefined, () => this.#calls.wait('showGroups', this.layer.groups()));
  }

  showHistory(): Promise<Map<string, HistoryPage>>;
  showHistory(group: string, options?: { since?: Position; limit?: number }): Promise<HistoryPage>;
  showHistory(
    group?: string,
    options: { since?: Position; limit?: number } = {},
  ): Promise<HistoryPage | Map<string, HistoryPage>> {
    return this.#calls.owned<HistoryPage | Map<string, HistoryPage>>('showHistory', undefined, async () => {
      const query = { since: checkPosition(options.since), limit: checkCount(options.limit), keep: 'oldest' } as const;
      const read = async (name: string): Promise<HistoryPage> =>
        publicPage(await this.#calls.wait('showHistory', this.layer.history(name, query)));
      if (group === undefined) return pagesOf(await this.#calls.wait('showHistory', this.layer.historyGroups()), read);
      checkGroupName(group, this.#groupNameBytesMax);
      return read(group);
    });
  }

  flushHistory(group?: string): Promise<void> {
    return this.#calls.owned('flushHistory', undefined, () => {
      if (group !== undefined) checkGroupName(group, this.#groupNameBytesMax);
      return this.#calls.wait('flushHistory', this.layer.flushHistory(group));
    });
  }

  async flushGroups(): Promise<void> {
    for (const group of [...this.local.groups()]) {
      for (const member of this.local.membersIn(group)) this.#memberships.leave(member, group);
    }
  }

  async cleanExpired(): Promise<number> {
    const due = this.local.dueChannels(this.scheduler.clock.monotonic());
    const expiring = this.closesExpired ? due : due.filter((channel) => channel.joined !== undefined);
    for (const { socket } of expiring) socket.expire();
    return expiring.length;
  }

  closeChannel(channelId: string, options: CloseOptions = {}): Promise<boolean> {
    return this.#close('closeChannel', { channel: channelId }, options).then((count) => count > 0);
  }

  closeGroup(group: string, options: CloseOptions = {}): Promise<number> {
    return this.#close('closeGroup', { group }, options);
  }

  closeAllConnections(options: CloseOptions = {}): Promise<number> {
    return this.#close('closeAllConnections', 'all', options);
  }

  // ── For the sockets of the app ────────────────────────────────────────────────────────────────────────────────────

  /** A socket that has ended is in no group, before any hook of it runs. */
  leaveAll(channel: SocketChannel): void {
    if (channel.joined === undefined) return;
    for (const group of this.local.groupsOf(channel)) this.#memberships.leave(channel, group);
  }

  /** The channel's metadata has changed: other nodes show it too. */
  async announce(channel: SocketChannel): Promise<void> {
    if (this.layer.announce !== undefined) await this.#calls.wait('setMetadata', this.#memberships.announce(channel));
  }

  async #joined(claim: Claim, answer: JoinResult): Promise<JoinResult> {
    const { socket } = claim.member;
    claim.calls += 1;
    try {
      await this.#calls.wait('join', claim.ready);
      claim.isKept = true;
    } catch (error) {
      if (socket.isJoinable) throw error;
    } finally {
      this.#memberships.release(claim);
    }
    return socket.isJoinable ? answer : 'CHANNEL_CLOSED';
  }

  #own(channel: Channel): SocketChannel {
    return ownChannel(channel, this.scheduler);
  }

  #untilOpen(opening: Promise<void>): Promise<void> {
    return quiet(
      Promise.resolve(opening).then(
        () => {
          this.opening = undefined;
        },
        (error: unknown) => {
          this.#report(error);
          throw error;
        },
      ),
    );
  }

  #close(call: string, target: CloseTarget, options: CloseOptions): Promise<number> {
    return this.#calls.owned(call, undefined, () => {
      checkClose(options);
      if (target !== 'all' && 'group' in target) checkGroupName(target.group, this.#groupNameBytesMax);
      return this.#calls.wait(call, this.layer.closeChannels(target, options));
    });
  }

  #report(error: unknown): void {
    this.#home?.log('the layer failed', { error });
  }

  /** No route has another limit. */
  get #groupNameBytesMax(): number {
    return this.#home?.limits.groupNameBytes ?? 255;
  }
}

/** The class as the package shows it. */
export const ChannelBox: new (options?: ChannelBoxOptions) => ChannelBoxView = Box;
export type ChannelBox = ChannelBoxView;
