import { LimitError } from '../errors.ts';
import type { LeaveResult } from '../api.ts';
import type { ChannelLayer } from '../layer/layer.ts';
import { isThenable, quiet } from '../promise.ts';
import { Announcements } from './announcements.ts';
import type { SocketChannel } from './channel.ts';
import type { LocalChannels } from './local.ts';

/** A membership that calls are still at work on. It ends with the last of them, unless one has ended well. */
export interface Claim {
  readonly member: SocketChannel;
  readonly group: string;
  /** Resolves when no later publish is missed; undefined: that is so already. */
  readonly ready: Promise<void> | undefined;
  /** Calls that are under way. */
  calls: number;
  /** Somebody was told that it is a member. */
  isKept: boolean;
}

/**
 * Memberships say who is in which group of this node, and what the layer has to know of it. A layer may answer late,
 * and by then the member may have left, come back, or been let in by another call: each answer counts for the
 * membership it was asked for.
 */
export class Memberships {
  readonly #layer: ChannelLayer;
  readonly #local: LocalChannels;
  readonly #report: (error: unknown) => void;
  readonly #announcements: Announcements;
  readonly #subscribing = new Map<string, Promise<void>>();
  readonly #claims = new Map<SocketChannel, Map<string, Claim>>();

  constructor(layer: ChannelLayer, local: LocalChannels, report: (error: unknown) => void) {
    this.#layer = layer;
    this.#local = local;
    this.#report = report;
    this.#announcements = new Announcements(layer, local, report);
  }

  /**
   * A member from here on; `claimOf` tells whether the layer has yet to answer.
   * @returns whether it is new
   * @throws {LimitError} `CHANNELBOX_GROUPS_PER_CHANNEL`, and what a layer throws at once: then it is no member
   */
  join(member: SocketChannel, group: string): boolean {
    const { groupsPerChannel } = member.socket.limits;
    if (this.#local.countGroups(member) >= groupsPerChannel && !this.#local.isMember(member, group)) {
      throw new LimitError(
        'CHANNELBOX_GROUPS_PER_CHANNEL',
        `the channel is in ${groupsPerChannel} groups, its limit; leave one or raise limits.groupsPerChannel`,
      );
    }
    const { isNew, isFirst } = this.#local.join(member, group);
    if (!isNew) return false;
    // One that has expired and only left its groups starts anew.
    member.startExpiry();
    try {
      const subscribed = isFirst ? this.#subscribe(group) : this.#subscribing.get(group);
      const announced = this.#announcements.announce(member, group);
      if (isThenable(subscribed) || isThenable(announced)) {
        this.#claim(member, group, quiet(Promise.all([subscribed, announced]).then(() => {})));
      }
    } catch (error) {
      this.leave(member, group);
      throw error;
    }
    return true;
  }

  /** Calls that are at work on this membership; undefined where it is settled, or there is none. */
  claimOf(member: SocketChannel, group: string): Claim | undefined {
    return this.#claims.get(member)?.get(group);
  }

  /** The same for a call that has more to do than to wait for the layer's answer: it may still fail. */
  claimNew(member: SocketChannel, group: string): Claim {
    return this.claimOf(member, group) ?? this.#claim(member, group, undefined);
  }

  /** One of its calls has ended. */
  release(claim: Claim): void {
    claim.calls -= 1;
    const { member, group } = claim;
    // One that has left meanwhile is no longer this one, whether it came back or not.
    if (claim.calls > 0 || this.claimOf(member, group) !== claim) return;
    this.#forget(member, group);
    if (!claim.isKept) this.leave(member, group);
  }

  leave(member: SocketChannel, group: string): LeaveResult {
    const left = this.#local.leave(member, group);
    if (left === 'no-group') return 'GROUP_DOES_NOT_EXIST';
    if (left === 'no-member') return 'CHANNEL_DOES_NOT_EXIST';
    this.#forget(member, group);
    this.#announcements.retire(member, group);
    if (left === 'last') this.#unsubscribe(group);
    return left === 'last' ? 'GROUP_REMOVED' : 'CHANNEL_REMOVED';
  }

  /** Its metadata has changed: asked for in one turn, so that none of it comes after a leaving. */
  async announce(member: SocketChannel): Promise<void> {
    await Promise.all(this.#local.groupsOf(member).map(async (group) => this.#announcements.announce(member, group)));
  }

  #claim(member: SocketChannel, group: string, ready: Promise<void> | undefined): Claim {
    const claim: Claim = { member, group, ready, calls: 0, isKept: false };
    this.#claims.set(member, (this.#claims.get(member) ?? new Map<string, Claim>()).set(group, claim));
    return claim;
  }

  #forget(member: SocketChannel, group: string): void {
    const claims = this.#claims.get(member);
    if (claims?.delete(group) === true && claims.size === 0) this.#claims.delete(member);
  }

  /** Who joins while it is on its way waits for it too; where it fails all leave at once, before anyone else can join. */
  #subscribe(group: string): Promise<void> | undefined {
    const answer = this.#layer.subscribe(group);
    if (!isThenable(answer)) return undefined;
    const subscribing: Promise<void> = Promise.resolve(answer).then(
      () => {
        if (this.#subscribing.get(group) === subscribing) this.#subscribing.delete(group);
      },
      (error: unknown) => {
        if (this.#subscribing.get(group) === subscribing) {
          this.#subscribing.delete(group);
          for (const member of this.#local.membersIn(group)) this.leave(member, group);
        }
        throw error;
      },
    );
    this.#subscribing.set(group, quiet(subscribing));
    return subscribing;
  }

  #unsubscribe(group: string): void {
    this.#subscribing.delete(group);
    try {
      const answer = this.#layer.unsubscribe(group);
      if (isThenable(answer)) answer.then(undefined, this.#report);
    } catch (error) {
      this.#report(error);
    }
  }
}
