import { LayerError, type ChannelLayer, type Clock, type LayerEntry, type Missed, type Position } from 'channelbox';
import { StubNode, saved, saying } from '../../testing/conformance/layer-node.ts';

interface Publish {
  readonly id: string;
  readonly group: string;
  readonly sender: number;
  readonly isSaved: boolean;
  readonly startMs: number;
  /** `open` until it has settled. */
  outcome: 'open' | 'acked' | 'not-sent' | 'unknown';
  position: Position | undefined;
  tookMs: number;
}

interface Seen {
  readonly id: string;
  readonly atMs: number;
  readonly position: Position | undefined;
}

/** What a fault run must come to; every count but the first four has to be 0. */
export interface Findings {
  acked: number;
  delivered: number;
  missed: number;
  refused: number;
  /** Acknowledged, not delivered somewhere, and nobody was told. */
  lost: number;
  doubled: number;
  /** Delivered though it was said not to be sent. */
  unsentDelivered: number;
  swapped: number;
  /** Offsets that did not count up within their epoch. */
  misnumbered: number;
  wronglyRecovered: number;
  hung: number;
  ghosts: number;
}

/** Several nodes on which every publish, delivery and loss is written down, and what the books say in the end. */
export class Witness {
  readonly nodes: StubNode[] = [];
  readonly groups: readonly string[];
  readonly publishes: Publish[] = [];
  readonly misses: { readonly node: number; readonly group: string; readonly what: Missed; readonly atMs: number }[] =
    [];
  readonly #seen: Map<string, Seen[]>[] = [];
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #wronglyRecovered = 0;
  #ids = 0;
  examples: string[] = [];
  /** How many publishes were refused with which code. */
  readonly codes: Map<string, number> = new Map();

  constructor(groups: readonly string[], clock: Clock, deadlineMs: number) {
    this.groups = groups;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /** A node whose every delivery is noted. */
  add(layer: ChannelLayer, limits: { countMax?: number; ttlMs?: number } = {}): StubNode {
    const index = this.nodes.length;
    const node = new StubNode(layer, this.#clock, limits);
    const seen = new Map<string, Seen[]>(this.groups.map((group) => [group, []]));
    this.#seen.push(seen);
    const deliver = node.deliver.bind(node);
    node.deliver = (group, message, entry: LayerEntry | undefined) => {
      const counts = deliver(group, message, entry);
      const text = message.payload.kind === 'bytes' ? '' : message.payload.text;
      seen.get(group)?.push({ id: text, atMs: this.#clock.monotonic(), position: entry?.position });
      node.delivered.length = 0;
      return counts;
    };
    node.missed = (group, what) => {
      this.misses.push({ node: index, group, what, atMs: this.#clock.monotonic() });
    };
    this.nodes.push(node);
    return node;
  }

  async publish(sender: number, group: string, isSaved: boolean, key?: string): Promise<void> {
    const id = `${sender}:${(this.#ids += 1)}`;
    const startMs = this.#clock.monotonic();
    const publish: Publish = { id, group, sender, isSaved, startMs, outcome: 'open', position: undefined, tookMs: 0 };
    this.publishes.push(publish);
    try {
      const message = isSaved ? { ...saved(id), ...(key === undefined ? {} : { key }) } : saying(id);
      const { position } = await (this.nodes[sender] as StubNode).layer.publish(group, message);
      publish.outcome = 'acked';
      publish.position = position;
    } catch (error) {
      publish.outcome = error instanceof LayerError && error.delivered === 'not-sent' ? 'not-sent' : 'unknown';
      if (error instanceof LayerError) this.codes.set(error.code, (this.codes.get(error.code) ?? 0) + 1);
      else this.examples.push(String(error));
    }
    publish.tookMs = this.#clock.monotonic() - startMs;
  }

  /** Reads on from where a receiver stood: what a page calls whole has to be whole. */
  async resume(node: number, group: string, at: number): Promise<void> {
    const seen = (this.#seen[node]?.get(group) ?? []).filter(({ position }) => position !== undefined);
    const since = seen[Math.floor(at * seen.length)]?.position;
    if (since === undefined) return;
    const before = this.publishes.filter(
      ({ outcome, position }) => outcome === 'acked' && position?.epoch === since.epoch,
    );
    try {
      const page = await (this.nodes[node] as StubNode).layer.history(group, { keep: 'newest', since });
      if (!page.recovered) return;
      const offsets = page.entries.map(({ position }) => position.offset);
      const isWhole =
        page.position.epoch === since.epoch &&
        offsets.every((offset, index) => offset === since.offset + 1 + index) &&
        page.position.offset === since.offset + offsets.length;
      const ids = new Map(page.entries.map((entry) => [entry.position.offset, entry.payload]));
      const isComplete = before.every(({ group: of, id, position }) => {
        if (of !== group || position === undefined || position.offset <= since.offset) return true;
        const payload = ids.get(position.offset);
        return payload !== undefined && payload.kind !== 'bytes' && payload.text === id;
      });
      if (!isWhole || !isComplete) {
        this.#wronglyRecovered += 1;
        this.examples.push(
          `resume of ${group} on ${node} since ${JSON.stringify(since)} ended at ${JSON.stringify(page.position)}`,
        );
      }
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
    }
  }

  findings(ghosts: number): Findings {
    const { publishes } = this;
    const acked = publishes.filter(({ outcome }) => outcome === 'acked');
    const found: Findings = {
      acked: acked.length,
      delivered: 0,
      missed: this.misses.filter(({ what }) => what.saved).length,
      refused: publishes.filter(({ outcome }) => outcome === 'not-sent' || outcome === 'unknown').length,
      lost: 0,
      doubled: 0,
      unsentDelivered: 0,
      swapped: 0,
      misnumbered: 0,
      wronglyRecovered: this.#wronglyRecovered,
      hung: publishes.filter(({ outcome, tookMs }) => outcome === 'open' || tookMs > 2 * this.#deadlineMs + 500).length,
      ghosts,
    };
    for (const { id, outcome, tookMs, isSaved } of publishes) {
      if (outcome !== 'open' && tookMs <= 2 * this.#deadlineMs + 500) continue;
      if (this.examples.length < 20)
        this.examples.push(`hung: ${id} ${outcome} ${Math.round(tookMs)} ms, saved ${isSaved}`);
    }
    const byId = new Map(publishes.map((publish) => [publish.id, publish]));
    for (const [node, groups] of this.#seen.entries()) {
      for (const [group, seen] of groups) this.#audit(found, byId, { node, group, seen });
    }
    return found;
  }

  #audit(
    found: Findings,
    byId: ReadonlyMap<string, Publish>,
    { node, group, seen }: { node: number; group: string; seen: readonly Seen[] },
  ): void {
    found.delivered += seen.length;
    const ids = new Set<string>();
    const newest = new Map<number, number>();
    let last: Position | undefined;
    for (const { id, position } of seen) {
      if (ids.has(id)) this.#note(found, 'doubled', `${id} twice on ${node} in ${group}`);
      ids.add(id);
      const publish = byId.get(id);
      if (publish?.outcome === 'not-sent') this.#note(found, 'unsentDelivered', `${id} on ${node} in ${group}`);
      if (publish !== undefined) {
        const number = Number(id.split(':')[1]);
        if (number < (newest.get(publish.sender) ?? 0))
          this.#note(found, 'swapped', `${id} late on ${node} in ${group}`);
        newest.set(publish.sender, number);
      }
      if (position !== undefined) {
        if (last?.epoch === position.epoch && position.offset !== last.offset + 1) {
          this.#note(
            found,
            'misnumbered',
            `${JSON.stringify(last)} then ${JSON.stringify(position)} on ${node} in ${group}`,
          );
        }
        last = position;
      }
    }
    const told = this.misses.filter((miss) => miss.node === node && miss.group === group && miss.what.saved);
    for (const publish of byId.values()) {
      if (publish.group !== group || !publish.isSaved || publish.outcome !== 'acked' || ids.has(publish.id)) continue;
      if (told.some(({ atMs }) => atMs >= publish.startMs)) continue;
      this.#note(
        found,
        'lost',
        `${publish.id} ${JSON.stringify(publish.position)} on ${node} in ${group}, started ${publish.startMs}`,
      );
    }
  }

  #note(found: Findings, what: keyof Findings, example: string): void {
    found[what] += 1;
    if (this.examples.length < 20) this.examples.push(`${what}: ${example}`);
  }
}

export const clean = {
  lost: 0,
  doubled: 0,
  unsentDelivered: 0,
  swapped: 0,
  misnumbered: 0,
  wronglyRecovered: 0,
  hung: 0,
  ghosts: 0,
} as const;
