import type { Counts, Entry, GroupMessage, Missed, Position } from '../../layer.ts';
import { LayerError } from '../../../errors.ts';
import { BrokerRefusal, listOf, numberOf, textOf, type BrokerConnection } from '../broker/broker.ts';
import { isLost, type NodeParts } from '../connection/calls.ts';
import { decodeMessages, groupKey } from '../connection/envelope.ts';
import type { Marked, Markers } from './markers.ts';
import { ForeignPushes } from './foreign-pushes.ts';
import { Joins } from './joins.ts';
import { channelOf, fenceOf, lifeOf } from './log.ts';
import { Recovery } from './recovery.ts';
import { Subscription, type Echo, type SubscriptionOwner } from './subscription.ts';

interface Step {
  readonly subscription: Subscription;
  readonly isLeaving: boolean;
  readonly settle: () => void;
}

const pageGroups = 500;
const pagesMax = 10;
const retryMs = 500;

/** The groups that this node hears: subscribed, placed, verified, and made whole again. */
export class Subscriptions implements SubscriptionOwner {
  readonly #parts: () => NodeParts;
  readonly #markers: Markers;
  readonly #recovery: Recovery;
  /** By channel. */
  readonly #subscriptions = new Map<string, Subscription>();
  /** The same by group: a publish looks for its own several times. */
  readonly #byGroup = new Map<string, Subscription>();
  readonly #joins: Joins;
  readonly #foreign: ForeignPushes;
  readonly #behind = new Set<Subscription>();
  #steps: Step[] = [];
  #pages = 0;
  #isScheduled = false;
  #bufferedBytes = 0;
  #isChecking = false;
  echoed: Echo = () => {};
  onEnd: (subscription: Subscription) => void = () => {};

  constructor(parts: () => NodeParts, markers: Markers) {
    this.#parts = parts;
    this.#markers = markers;
    this.#recovery = new Recovery(parts, markers);
    this.#joins = new Joins(parts);
    this.#foreign = new ForeignPushes(parts);
  }

  of(group: string): Subscription | undefined {
    return this.#byGroup.get(group);
  }

  channelOf(group: string): string {
    return this.of(group)?.channel ?? channelOf(this.#parts().settings.prefix, group);
  }

  subscribe(group: string): Promise<void> {
    const subscription = new Subscription(group, this.channelOf(group), this);
    this.#end(this.#byGroup.get(group));
    this.#subscriptions.set(subscription.channel, subscription);
    this.#byGroup.set(group, subscription);
    const joined = this.#joins.add(subscription);
    this.#count();
    const { pushes, calls } = this.#parts();
    if (pushes.connection !== undefined) this.#add({ subscription, isLeaving: false, settle: () => {} });
    // Else it is among all that are subscribed when the connection comes.
    else calls.connection(pushes).catch((error: Error) => this.#joins.refuse([subscription], error));
    return joined;
  }

  unsubscribe(group: string): Promise<void> {
    const subscription = this.of(group);
    if (subscription === undefined) return Promise.resolve();
    this.#end(subscription);
    this.#subscriptions.delete(subscription.channel);
    this.#byGroup.delete(group);
    this.#count();
    if (this.#parts().pushes.connection === undefined) return Promise.resolve();
    return new Promise((settle) => this.#add({ subscription, isLeaving: true, settle }));
  }

  /** A new subscribe connection: it knows of nothing yet. */
  pushesUp(): void {
    for (const { settle } of this.#steps.splice(0)) settle();
    this.#pages = 0;
    for (const subscription of this.#subscriptions.values()) {
      this.#add({ subscription, isLeaving: false, settle: () => {} });
    }
  }

  pushesDown(): void {
    for (const { settle } of this.#steps.splice(0)) settle();
    const { counters } = this.#parts();
    counters.unsavedLost += this.#subscriptions.size > 0 ? 1 : 0;
    for (const subscription of this.#subscriptions.values()) {
      this.#recovery.callOff(subscription);
      subscription.away();
      if (subscription.cursor !== undefined) this.#behind.add(subscription);
    }
    this.#tellBehind();
  }

  /** Compares every group with the broker, some hundreds a command. */
  async verify(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const all = [...this.#subscriptions.values()].filter(({ phase }) => phase === 'live' || phase === 'placing');
      for (let at = 0; at < all.length; at += pageGroups) await this.#check(all.slice(at, at + pageGroups));
    } catch (error) {
      if (!(error instanceof LayerError)) this.#parts().context.report(error);
    } finally {
      this.#isChecking = false;
    }
  }

  close(): void {
    for (const { settle } of this.#steps.splice(0)) settle();
    const { calls } = this.#parts();
    for (const subscription of this.#subscriptions.values()) {
      this.#joins.refuse([subscription], calls.closed());
      this.#end(subscription);
    }
    this.#subscriptions.clear();
    this.#byGroup.clear();
  }

  pushed(channel: string, payload: Buffer): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined || subscription.phase === 'away') return;
    const push = decodeMessages(payload);
    if (push === undefined) this.malformed(channel);
    else subscription.pushed(push);
    this.#settleBehind(subscription);
  }

  malformed(channel: string): void {
    this.#foreign.note(channel);
  }

  // ── For one subscription ──────────────────────────────────────────────────────────────────────────────────────────

  get counters(): NodeParts['counters'] {
    return this.#parts().counters;
  }

  deliver(group: string, message: GroupMessage, entry: Entry | undefined): Counts {
    return this.#parts().context.local.deliver(group, message, entry);
  }

  missed(group: string, what: Missed): void {
    const { local } = this.#parts().context;
    if (local.hasGroup(group)) local.missed(group, what);
  }

  isOwn(node: string): boolean {
    return node === this.#parts().node;
  }

  report(error: unknown): void {
    this.#parts().context.report(error);
  }

  buffered(bytes: number): void {
    this.#bufferedBytes += bytes;
  }

  isOverfull(): boolean {
    return this.#bufferedBytes > this.#parts().settings.recoverBytesMax;
  }

  recover(subscription: Subscription): void {
    this.#behind.add(subscription);
    this.#tellBehind();
    subscription.whenLive(() => this.#settleBehind(subscription));
    this.#recovery.recover(subscription);
  }

  // ── At the broker ─────────────────────────────────────────────────────────────────────────────────────────────────

  #add(step: Step): void {
    this.#steps.push(step);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { connection } = this.#parts().pushes;
    while (connection !== undefined && this.#pages < pagesMax) {
      const [first] = this.#steps;
      if (first === undefined) return;
      let count = this.#steps.findIndex(({ isLeaving }) => isLeaving !== first.isLeaving);
      if (count === -1) count = this.#steps.length;
      const page = this.#steps.splice(0, Math.min(count, pageGroups));
      this.#pages += 1;
      void this.#turn(connection, page).finally(() => {
        // Pages of a connection that is gone are not counted any more.
        if (this.#parts().pushes.connection !== connection) return;
        this.#pages -= 1;
        this.#pump();
      });
    }
  }

  /** One page of groups that come, or that go. */
  async #turn(connection: BrokerConnection, page: readonly Step[]): Promise<void> {
    const { pushes, calls } = this.#parts();
    const isLeaving = page[0]?.isLeaving === true;
    const channels = page.map(({ subscription }) => subscription.channel);
    const coming = page.map(({ subscription }) => subscription);
    try {
      if (isLeaving) return await calls.within(connection.unsubscribe(channels), 'Redis did not unsubscribe');
      this.#joins.startDeadline(coming);
      await connection.subscribe(channels);
      if (pushes.connection !== connection) return;
      const here = coming.filter(({ isGone, phase }) => !isGone && phase === 'away');
      for (const subscription of here) subscription.phase = 'placing';
      await this.#check(here);
    } catch (error) {
      if (!isLeaving) this.#turnFailed(coming, error);
    } finally {
      for (const { settle } of page) settle();
    }
  }

  #turnFailed(coming: readonly Subscription[], error: unknown): void {
    const { calls, pushes, context } = this.#parts();
    if (isLost(error)) {
      // They are subscribed again on the next connection, if it comes in time.
      calls.connection(pushes).catch((down: Error) => this.#joins.refuse(coming, down));
      return;
    }
    this.#joins.refuse(coming, error instanceof BrokerRefusal ? calls.refused(error) : (error as Error));
    context.clock.setTimeout(() => this.#retry(coming), retryMs, 'redis subscriptions');
  }

  #retry(subscriptions: readonly Subscription[]): void {
    for (const subscription of subscriptions) {
      if (subscription.isGone || subscription.phase !== 'away') continue;
      this.#add({ subscription, isLeaving: false, settle: () => {} });
    }
    if (subscriptions.some(({ isGone, phase }) => !isGone && phase === 'placing')) void this.verify();
  }

  /** Where each of these groups stands; behind what was pushed before that, so that nothing counts as lost too early. */
  async #check(page: readonly Subscription[]): Promise<void> {
    if (page.length === 0) return;
    const parts = this.#parts();
    const { calls, settings, node } = parts;
    let marked: Marked | undefined;
    const hasLive = page.some(({ phase }) => phase === 'live');
    let before: (Position | undefined)[] = [];
    try {
      const { reply, runId } = await calls.ask(async (connection) => {
        marked?.forget();
        marked = this.#markers.expect();
        before = page.map(({ cursor }) => cursor);
        const names = page.flatMap(({ group }) => [groupKey(group), parts.fresh()]);
        const back = hasLive ? `${settings.prefix}:node:${node}` : '';
        const args = [settings.prefix, fenceOf(parts, connection), lifeOf(parts), back, marked.id, ...names];
        return { runId: connection.facts.runId, reply: listOf(await connection.run('check', [], args)) };
      });
      if (hasLive && (await marked?.here) !== true) return;
      for (const [index, subscription] of page.entries()) {
        const position = { epoch: textOf(reply[index * 2]), offset: numberOf(reply[index * 2 + 1]) };
        this.#placed(subscription, position, { before: before[index], runId });
      }
    } finally {
      marked?.forget();
    }
  }

  #placed(
    subscription: Subscription,
    position: Position,
    { before, runId }: { readonly before: Position | undefined; readonly runId: string },
  ): void {
    if (subscription.isGone || subscription.phase === 'away') return;
    if (subscription.cursor === undefined) subscription.place(position, runId);
    else subscription.compare(position, before);
    this.#joins.resolve(subscription);
    this.#settleBehind(subscription);
  }

  #end(subscription: Subscription | undefined): void {
    if (subscription === undefined) return;
    this.#recovery.callOff(subscription);
    this.#behind.delete(subscription);
    subscription.end();
    this.#joins.end(subscription);
    this.onEnd(subscription);
    this.#tellBehind();
  }

  #settleBehind(subscription: Subscription): void {
    if (subscription.phase !== 'live' || !this.#behind.delete(subscription)) return;
    this.#tellBehind();
  }

  #tellBehind(): void {
    this.#parts().health.behind = this.#behind.size;
  }

  #count(): void {
    this.#parts().counters.subscribedGroups = this.#subscriptions.size;
  }
}
