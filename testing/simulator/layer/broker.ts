import type { EntryPage, GroupMessage, HistoryBounds, HistoryQuery, LayerEntry, Member } from '../../../src/index.ts';
import { GroupLog } from './log.ts';

/** A node as the broker reaches it: what is pushed to a group arrives in order. */
export interface BrokerNode {
  readonly id: string;
  push(group: string, push: BrokerPush): void;
}

export type BrokerPush =
  | {
      readonly kind: 'message';
      readonly group: string;
      readonly message: GroupMessage;
      readonly entry: LayerEntry | undefined;
      /** Of the node that published it; what it counts is the answer. */
      readonly call: object | undefined;
    }
  | { readonly kind: 'run'; readonly run: () => void; /** It was lost on its way. */ readonly lost?: () => void };

/** What a publish came to at the broker. */
export interface Executed {
  readonly nodes: number;
  readonly exists: boolean;
  readonly position: LayerEntry['position'] | undefined;
  /** Whether the publisher's own node was handed it. */
  readonly reachesSelf: boolean;
  /** It was published under that key before: nobody is handed it again. */
  readonly isRepeated: boolean;
}

/**
 * All nodes of a run share the broker: who subscribes, who is where, what was said. One thing at a time, and never
 * wrong.
 */
export class SimBroker {
  readonly #nodes = new Map<string, BrokerNode>();
  readonly #subscribers = new Map<string, Set<BrokerNode>>();
  readonly #members = new Map<string, Map<string, Member>>();
  readonly #logs = new Map<string, GroupLog>();
  #remembered: ReadonlyMap<string, GroupLog> = new Map();
  #epochs = 0;

  get nodes(): BrokerNode[] {
    return [...this.#nodes.values()];
  }

  node(id: string): BrokerNode | undefined {
    return this.#nodes.get(id);
  }

  attach(node: BrokerNode): void {
    this.#nodes.set(node.id, node);
  }

  /** Its lease is over: nobody of it is a member any more. */
  detach(node: BrokerNode): void {
    this.#nodes.delete(node.id);
    for (const subscribers of this.#subscribers.values()) subscribers.delete(node);
    for (const [group, members] of this.#members) {
      for (const member of members.values()) if (member.node === node.id) this.retire(group, member.uuid);
    }
  }

  /** @throws {BoxError} `CHANNELBOX_MESSAGE_TOO_LARGE` */
  publish(
    from: BrokerNode,
    group: string,
    message: GroupMessage,
    stamp: {
      readonly uuid: string;
      readonly created: number;
      readonly atMs: number;
      readonly bounds: HistoryBounds;
      readonly call: object;
    },
  ): Executed {
    const subscribers = [...(this.#subscribers.get(group) ?? [])];
    const exists = (this.#members.get(group)?.size ?? 0) > 0 || subscribers.length > 0;
    let entry: LayerEntry | undefined;
    if (message.save) {
      const log = this.#logOf(group);
      const known = message.key === undefined ? undefined : log.byKey(message.key);
      if (known !== undefined) {
        return { nodes: 0, exists, position: known.position, reachesSelf: false, isRepeated: true };
      }
      const { uuid, created, atMs, bounds } = stamp;
      entry = log.append(message.payload, { uuid, created, atMs, key: message.key }, bounds);
    }
    for (const node of subscribers) {
      node.push(group, { kind: 'message', group, message, entry, call: node === from ? stamp.call : undefined });
    }
    return {
      nodes: subscribers.length,
      exists,
      position: entry?.position,
      reachesSelf: subscribers.includes(from),
      isRepeated: false,
    };
  }

  subscribe(node: BrokerNode, group: string): void {
    const subscribers = this.#subscribers.get(group) ?? new Set<BrokerNode>();
    this.#subscribers.set(group, subscribers.add(node));
  }

  unsubscribe(node: BrokerNode, group: string): void {
    const subscribers = this.#subscribers.get(group);
    subscribers?.delete(node);
    if (subscribers?.size === 0) this.#subscribers.delete(group);
  }

  announce(group: string, member: Member): void {
    const members = this.#members.get(group) ?? new Map<string, Member>();
    this.#members.set(group, members.set(member.uuid, member));
  }

  retire(group: string, channel: string): void {
    const members = this.#members.get(group);
    members?.delete(channel);
    if (members?.size === 0) this.#members.delete(group);
  }

  members(group: string): Member[] {
    return [...(this.#members.get(group)?.values() ?? [])];
  }

  groups(): Map<string, Member[]> {
    return new Map([...this.#members.keys()].map((group) => [group, this.members(group)]));
  }

  history(group: string, query: HistoryQuery, nowMs: number, bounds: HistoryBounds): EntryPage {
    const log = this.#logs.get(group) ?? new GroupLog(this.#epoch);
    log.trim(nowMs, bounds);
    return log.read(query);
  }

  historyGroups(): string[] {
    return [...this.#logs.keys()];
  }

  flush(group: string | undefined): void {
    for (const name of group === undefined ? [...this.#logs.keys()] : [group]) {
      if (this.#logs.delete(name)) this.#epochs += 1;
    }
  }

  /** What it comes back with, where it comes back old. */
  remember(): void {
    this.#remembered = new Map([...this.#logs].map(([group, log]) => [group, log.copy(log.epoch)]));
  }

  /** It starts again, with nothing or with what it remembered, in a new epoch. @returns the groups that somebody subscribes */
  forget(how: 'nothing' | 'remembered' = 'nothing'): string[] {
    this.#logs.clear();
    this.#epochs += 1;
    if (how === 'remembered') {
      for (const [group, log] of this.#remembered) this.#logs.set(group, log.copy(this.#epoch));
    }
    return [...this.#subscribers.keys()];
  }

  subscribersOf(group: string): BrokerNode[] {
    return [...(this.#subscribers.get(group) ?? [])];
  }

  get #epoch(): string {
    return `e${this.#epochs}`;
  }

  #logOf(group: string): GroupLog {
    const log = this.#logs.get(group) ?? new GroupLog(this.#epoch);
    this.#logs.set(group, log);
    return log;
  }
}
