import { randomUUID } from 'node:crypto';
import type { EntryPage, GroupMessage, HistoryBounds, HistoryQuery, LayerEntry, Member, Position } from 'channelbox';
import { turn } from '../manual-clock.ts';
import { History } from '../../src/layer/history.ts';

/** What the broker pushes to a node. */
export type Push =
  | { kind: 'message'; id: string; group: string; message: GroupMessage; entry: LayerEntry | undefined }
  | { kind: 'marker'; id: string }
  | { kind: 'order'; id: string; from: string; order: unknown }
  | { kind: 'answer'; id: string; from: string; answer: unknown };

export interface PublishedAway {
  readonly nodes: readonly string[];
  readonly exists: boolean;
  readonly position: Position | undefined;
}

/** Carries things one way, in order, each after some turns of the event loop: how many is up to chance. */
export class Lane<T> {
  readonly #deliver: (item: T) => void;
  readonly #random: () => number;
  readonly #turnsMax: number;
  readonly #items: { readonly item: T; turns: number }[] = [];
  #isMoving = false;
  isCut = false;

  constructor(deliver: (item: T) => void, random: () => number, turnsMax: number) {
    this.#deliver = deliver;
    this.#random = random;
    this.#turnsMax = turnsMax;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  put(item: T): void {
    if (this.isCut) return;
    this.#items.push({ item, turns: Math.floor(this.#random() * this.#turnsMax) });
    if (this.#isMoving) return;
    this.#isMoving = true;
    setImmediate(this.#move);
  }

  readonly #move = (): void => {
    for (let first = this.#items[0]; first !== undefined; first = this.#items[0]) {
      if (first.turns > 0 && !this.isCut) {
        first.turns -= 1;
        setImmediate(this.#move);
        return;
      }
      this.#items.shift();
      if (!this.isCut) this.#deliver(first.item);
    }
    this.#isMoving = false;
  };
}

/** A broker as Redis is one: commands one at a time, pushes on a connection of their own, nothing shared but bytes. */
export class Broker {
  readonly lanes: { readonly isEmpty: boolean }[] = [];
  readonly random: () => number;
  readonly #nodes = new Map<string, Lane<Push>>();
  readonly #subscribers = new Map<string, Set<string>>();
  readonly #members = new Map<string, Map<string, Member>>();
  readonly #histories = new Map<string, History>();
  #epochs = 0;

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  lane<T>(deliver: (item: T) => void, turnsMax: number): Lane<T> {
    const lane = new Lane(deliver, this.random, turnsMax);
    this.lanes.push(lane);
    return lane;
  }

  /** Until nothing is under way on any lane, nor what it set going at its end. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await turn(20);
      if (this.lanes.some((lane) => !lane.isEmpty)) quiet = -1;
    }
  }

  attach(node: string, pushes: Lane<Push>): void {
    this.#nodes.set(node, pushes);
  }

  detach(node: string): void {
    this.#nodes.delete(node);
    for (const subscribers of this.#subscribers.values()) subscribers.delete(node);
    for (const [group, members] of this.#members) {
      for (const member of members.values()) if (member.node === node) this.retire(group, member.uuid);
    }
  }

  get nodes(): string[] {
    return [...this.#nodes.keys()];
  }

  publish(
    id: string,
    group: string,
    message: GroupMessage,
    stamp: { bounds: HistoryBounds; nowMs: number },
  ): PublishedAway {
    let entry: LayerEntry | undefined;
    if (message.save) {
      const history = this.#histories.get(group) ?? new History(`epoch ${this.#epochs}`);
      const known = message.key === undefined ? undefined : history.positionOf(message.key);
      if (known !== undefined) return { nodes: [], exists: this.members(group).length > 0, position: known };
      const created = { uuid: randomUUID(), created: stamp.nowMs / 1000, atMs: stamp.nowMs, key: message.key };
      entry = history.append(message.payload, created, stamp.bounds);
      this.#histories.set(group, history);
    }
    const nodes = [...(this.#subscribers.get(group) ?? [])];
    for (const node of nodes) this.#nodes.get(node)?.put({ kind: 'message', id, group, message, entry });
    return { nodes, exists: (this.#members.get(group)?.size ?? 0) > 0, position: entry?.position };
  }

  push(node: string, push: Push): boolean {
    this.#nodes.get(node)?.put(push);
    return this.#nodes.has(node);
  }

  subscribe(node: string, group: string): void {
    const subscribers = this.#subscribers.get(group) ?? new Set();
    this.#subscribers.set(group, subscribers.add(node));
  }

  unsubscribe(node: string, group: string): void {
    this.#subscribers.get(group)?.delete(node);
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

  history(group: string, query: HistoryQuery, stamp: { bounds: HistoryBounds; nowMs: number }): EntryPage {
    const history = this.#histories.get(group);
    history?.trim(stamp.nowMs, stamp.bounds);
    return (history ?? new History(`epoch ${this.#epochs}`)).read(query);
  }

  historyGroups(): string[] {
    return [...this.#histories.keys()];
  }

  flush(group: string | undefined): void {
    for (const name of group === undefined ? [...this.#histories.keys()] : [group]) {
      if (this.#histories.delete(name)) this.#epochs += 1;
    }
  }
}

export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
