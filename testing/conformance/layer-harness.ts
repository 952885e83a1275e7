import { SystemClock, type Awaitable, type ChannelLayer, type Clock, type HistoryBounds } from 'channelbox';
import { StubNode } from './layer-node.ts';

/** What the suite needs of a kind of layer. */
export interface LayerHarness {
  /** One layer a node, not opened yet; together they are one cluster, apart from every other that was made. */
  layers(count: number): Awaitable<ChannelLayer[]>;
  /** Resolves when nothing is under way between the nodes any more. */
  settle(): Promise<void>;
  /** 1 for a layer that is one node alone. */
  readonly nodesMax: number;
  /** Where the layer's time can be moved; without it what needs time is left out. */
  readonly time?: { readonly clock: Clock; advance(ms: number): Awaitable<void> };
  /** Cuts a node off from the others, as a broken cable does; without it what needs that is left out. */
  cut?(layer: ChannelLayer): Awaitable<void>;
}

/** Nodes of one cluster, closed when the case is over. */
export class Cluster implements AsyncDisposable {
  readonly nodes: readonly StubNode[];

  private constructor(nodes: readonly StubNode[]) {
    this.nodes = nodes;
  }

  static async of(harness: LayerHarness, count = 1, limits: Partial<HistoryBounds> = {}): Promise<Cluster> {
    const clock = harness.time?.clock ?? new SystemClock();
    const layers = await harness.layers(count);
    return new Cluster(layers.map((layer) => new StubNode(layer, clock, limits)));
  }

  get first(): StubNode {
    return this.nodes[0] as StubNode;
  }

  get second(): StubNode {
    return this.nodes[1] as StubNode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { layer } of this.nodes) await layer.close();
  }
}
