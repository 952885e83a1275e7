import {
  LayerError,
  type ChannelLayer,
  type CloseOptions,
  type CloseTarget,
  type Counts,
  type EntryPage,
  type GroupMessage,
  type HistoryQuery,
  type LayerContext,
  type Member,
  type Payload,
  type Position,
  type Published,
  type SendOutcome,
} from '../../../src/index.ts';
import type { BrokerNode, BrokerPush, Executed, SimBroker } from './broker.ts';
import { LayerCalls, type LayerHost, type Settle } from './calls.ts';

interface Publishing {
  counted(counts: Counts): void;
  failed(error: unknown): void;
}

/**
 * One node has this end of the simulated layer. It keeps the contract of `ChannelLayer` and is as nasty as that
 * allows: calls of different groups overtake each other, answers come later than what they tell of, and a partition
 * loses unsaved messages.
 */
export class SimLayer implements ChannelLayer, BrokerNode {
  readonly node: string;
  readonly historyBytes: number = 0;
  readonly #broker: SimBroker;
  readonly #calls: LayerCalls;
  readonly #publishing = new Map<object, Publishing>();
  /** Where this node is with each group. */
  readonly #positions = new Map<string, Position>();
  #context: LayerContext | undefined = undefined;

  constructor(host: LayerHost, broker: SimBroker, id: string) {
    this.#calls = new LayerCalls(host, (push) => this.#take(push));
    this.#broker = broker;
    this.node = id;
    broker.attach(this);
  }

  get id(): string {
    return this.node;
  }

  open(context: LayerContext): void {
    this.#context = context;
  }

  channelId(uuid: string): string {
    return `${this.node}/${uuid}`;
  }

  publish(group: string, message: GroupMessage): Promise<Published> {
    const { clock, bounds } = this.#opened;
    const { world } = this.#calls.host;
    const call = {};
    return this.#calls.call<Published>(group, 'publish', (settle) => {
      const uuid = world.tape.uuid(`entry ${group}`, world.cause);
      const stamp = { uuid, created: clock.now() / 1000, atMs: clock.monotonic(), bounds, call };
      const executed = this.#broker.publish(this, group, message, stamp);
      const counted = (counts: Counts): void => {
        this.#publishing.delete(call);
        settle({ value: publishedOf(counts, executed) });
      };
      const failed = (error: unknown): void => {
        this.#publishing.delete(call);
        settle({ error });
      };
      if (executed.reachesSelf) this.#publishing.set(call, { counted, failed });
      else counted(executed.isRepeated ? nobody() : this.#countUnreached(group, message));
    });
  }

  subscribe(group: string): Promise<void> {
    return this.#run(group, 'subscribe', () => this.#broker.subscribe(this, group));
  }

  /** As `retire`, it never rejects for a partition, and takes effect once that is over. */
  unsubscribe(group: string): Promise<void> {
    return this.#run(group, 'unsubscribe', () => this.#broker.unsubscribe(this, group), 'resolves');
  }

  announce(group: string, member: Member): Promise<void> {
    return this.#run(group, 'announce', () => this.#broker.announce(group, member));
  }

  retire(group: string, channel: string): Promise<void> {
    return this.#run(group, 'retire', () => this.#broker.retire(group, channel), 'resolves');
  }

  members(group: string): Promise<Member[]> {
    return this.#run(group, 'members', () => this.#broker.members(group));
  }

  groups(): Promise<Map<string, Member[]>> {
    return this.#run('', 'groups', () => this.#broker.groups());
  }

  send(channel: string, payload: Payload): Promise<SendOutcome> {
    return this.#calls.call('', 'send', (settle) => {
      const target = this.#broker.node(nodeOf(channel));
      if (target === undefined) settle({ value: 'closed' });
      else
        (target as SimLayer).#ask<SendOutcome>(
          async (local) => (await local.send(channel, payload)) ?? 'closed',
          settle,
        );
    });
  }

  async closeChannels(target: CloseTarget, options: CloseOptions): Promise<number> {
    const answered = new Map<string, number>();
    let asked: readonly BrokerNode[] = [];
    try {
      return await this.#calls.call<number>('', 'closeChannels', (settle) => {
        asked = this.#targetsOf(target);
        if (asked.length === 0) settle({ value: 0 });
        for (const node of asked) {
          (node as SimLayer).#ask<number>(
            (local) => local.close(target, options),
            (answer) => {
              if ('error' in answer) return settle(answer);
              answered.set(node.id, answer.value);
              if (answered.size === asked.length) settle({ value: sum(answered.values()) });
            },
          );
        }
      });
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
      const missing = asked.filter(({ id }) => !answered.has(id)).map(({ id }) => id);
      throw new LayerError('CHANNELBOX_LAYER_DEADLINE', error.message, { partial: sum(answered.values()), missing });
    }
  }

  history(group: string, query: HistoryQuery): Promise<EntryPage> {
    const { clock, bounds } = this.#opened;
    return this.#calls.call<EntryPage>(group, 'history', (settle) => {
      const read = (): void => {
        const page = this.#broker.history(group, query, clock.monotonic(), bounds);
        // Behind the page on the way that deliveries take: once it is here, so is all that the page holds.
        const run = (): void => {
          query.caughtUp?.();
          settle({ value: page });
        };
        this.push(group, { kind: 'run', run, lost: read });
      };
      read();
    });
  }

  historyGroups(): Promise<string[]> {
    return this.#run('', 'historyGroups', () => this.#broker.historyGroups());
  }

  flushHistory(group?: string): Promise<void> {
    return this.#run(group ?? '', 'flushHistory', () => this.#broker.flush(group));
  }

  async close(): Promise<void> {
    this.detach();
  }

  // ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The node has gone: nothing of it reaches the broker any more. */
  detach(): void {
    this.#broker.detach(this);
    this.#calls.end();
  }

  cut(): void {
    this.#calls.cut();
  }

  mend(): void {
    this.#calls.mend();
  }

  slow(ms: number): void {
    this.#calls.slow(ms);
  }

  /** The broker has restarted: what was on its way here is lost, and who was to get it is told. */
  forgotten(groups: readonly string[]): void {
    for (const [group, route] of this.#calls.routes) {
      const lost = route.losePushes();
      if (groups.includes(group)) {
        const isSaved = lost.some((push) => push.kind === 'message' && push.entry !== undefined);
        this.#tellMissed(group, 'restart', isSaved);
      }
      for (const push of lost) {
        if (push.kind === 'run') push.lost?.();
        else if (push.call !== undefined) {
          this.#publishing.get(push.call)?.counted(this.#countUnreached(push.group, push.message));
        }
      }
    }
  }

  // ── From the broker ───────────────────────────────────────────────────────────────────────────────────────────────

  push(group: string, push: BrokerPush): void {
    if (this.#calls.hasClosed) return;
    // Unsaved messages do not wait for a node that is cut off; each that is lost says so, in its place.
    if (this.#calls.isCut && push.kind === 'message' && push.entry === undefined) {
      this.#tellMissed(group, 'connection', false);
    } else this.#calls.route(group).push(push);
  }

  #tellMissed(group: string, reason: 'restart' | 'connection', saved: boolean): void {
    const run = (): void => {
      this.#opened.local.missed(group, { reason, saved, position: this.#positions.get(group) });
    };
    this.#calls.route(group).push({ kind: 'run', run });
  }

  #take(push: BrokerPush): void {
    if (this.#calls.hasClosed) return;
    if (push.kind === 'run') return push.run();
    const { group, message, entry, call } = push;
    const publishing = call === undefined ? undefined : this.#publishing.get(call);
    if (entry !== undefined) this.#positions.set(group, entry.position);
    try {
      const counts = this.#opened.local.deliver(group, message, entry);
      publishing?.counted(counts);
    } catch (error) {
      if (publishing === undefined) this.#opened.report(error);
      else publishing.failed(error);
    }
  }

  /** Asks the node itself: what the box answers travels back. */
  #ask<T>(ask: (local: LayerContext['local']) => T | Promise<T>, settle: Settle<T>): void {
    const run = (): void => {
      const answering = (async () => ask(this.#opened.local))();
      answering.then(
        (value) => this.#calls.back(() => settle({ value })),
        (error: unknown) => this.#calls.back(() => settle({ error })),
      );
    };
    this.push('', { kind: 'run', run, lost: () => this.#ask(ask, settle) });
  }

  #run<T>(group: string, what: string, run: () => T, whenLate?: 'resolves'): Promise<T> {
    return this.#calls.call<T>(group, what, (settle) => settle({ value: run() }), whenLate);
  }

  /** Members of this node whose subscription just went, or has yet to come. */
  #countUnreached(group: string, message: GroupMessage): Counts {
    const present = this.#opened.local.members(group).filter(({ uuid }) => !message.except.includes(uuid));
    const members = present.length;
    return { members, sent: 0, queued: message.save ? members : 0, dropped: message.save ? 0 : members, closed: 0 };
  }

  #targetsOf(target: CloseTarget): readonly BrokerNode[] {
    if (target === 'all') return this.#broker.nodes;
    if ('channel' in target) {
      const node = this.#broker.node(nodeOf(target.channel));
      return node === undefined ? [] : [node];
    }
    const nodes = new Set(this.#broker.members(target.group).map((member) => this.#broker.node(member.node)));
    for (const node of this.#broker.subscribersOf(target.group)) nodes.add(node);
    return [...nodes].filter((node) => node !== undefined);
  }

  get #opened(): LayerContext {
    if (this.#context === undefined) throw new Error('a layer is opened by the box that it is given to');
    return this.#context;
  }
}

function nobody(): Counts {
  return { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };
}

function nodeOf(channel: string): string {
  return channel.split('/', 1)[0] as string;
}

function publishedOf(counts: Counts, { nodes, exists, position }: Executed): Published {
  return position === undefined ? { counts, nodes, exists } : { counts, nodes, exists, position };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
