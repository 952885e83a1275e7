import assert from 'node:assert/strict';
import { SystemClock, type Awaitable, type ChannelLayer, type Clock, type HistoryBounds } from 'channelbox';
import { StubNode } from './layer-node.ts';

/** The suite needs this of a kind of layer. */
export interface LayerHarness {
  /** One layer a node, not opened yet; together they are one cluster, apart from every other that was made. */
  layers(count: number): Awaitable<ChannelLayer[]>;
  /** Resolves when nothing is under way between the nodes any more. */
  settle(): Promise<void>;
  /** 1 for a layer that is one node alone. */
  readonly nodesMax: number;
  /** Where the layer's time can be moved; without it what needs time is left to real time, or left out. */
  readonly time?: { readonly clock: Clock; advance(ms: number): Awaitable<void> };
  /** Cuts a node off from the others, as a broken cable does; without it what needs that is left out. */
  cut?(layer: ChannelLayer): Awaitable<void>;
  /** Sends a marker through every node and resolves when it has come back: what was under way before has arrived. Default: `settle`. */
  flush?(layer: ChannelLayer): Awaitable<void>;
  /** What can go wrong beneath the layer. Each case needs one or two of these and is left out without them. */
  readonly faults?: LayerFaults;
  /** Real time that a layer may take to find out and put right what went wrong, where time cannot be moved; default 10 000. */
  readonly patienceMs?: number;
}

/** Troubles that a harness can make between the layers of its newest cluster. They end by themselves, or by the layer's own doing. */
export interface LayerFaults {
  /** The next so many messages of groups on their way to this node are lost, and nobody is told. */
  dropNext?(layer: ChannelLayer, count: number): Awaitable<void>;
  /** The next so many messages of groups reach this node twice. */
  repeatNext?(layer: ChannelLayer, count: number): Awaitable<void>;
  /** A message of the epoch before reaches this node once more. Called after that epoch has ended. */
  replayOld?(layer: ChannelLayer, group: string): Awaitable<void>;
  /** From here on this node hears nothing, though its connection stands, until the layer finds out. */
  deafen?(layer: ChannelLayer): Awaitable<void>;
  /** The connection by which this node hears breaks, and may be made anew. */
  disconnect?(layer: ChannelLayer): Awaitable<void>;
  /** The connection by which this node publishes breaks amid what is under way, and may be made anew. */
  interrupt?(layer: ChannelLayer): Awaitable<void>;
  /** What the broker would come back with by `restart('old')`. */
  remember?(): Awaitable<void>;
  /** The broker ends and comes back, with nothing, or with what it last remembered. */
  restart?(how: 'empty' | 'old'): Awaitable<void>;
  /** The broker lets go of a group's history but for the newest message. */
  trimAway?(group: string): Awaitable<void>;
  /** The node is gone without a word, and its lease has run out. */
  kill?(layer: ChannelLayer): Awaitable<void>;
  /** The node lives, but its lease has run out: the others have taken it for dead. */
  lapse?(layer: ChannelLayer): Awaitable<void>;
  /** Things that are no messages of this layer come in where they do: broken ones, foreign ones, of a newer version. */
  foreign?(layer: ChannelLayer, group: string): Awaitable<void>;
}

/** The troubles of a harness, of which those that a case needs are there. */
export type Troubles = Required<LayerFaults>;

/** A case that needs some of them. */
export interface FaultCase {
  readonly name: string;
  readonly needs: readonly (keyof LayerFaults)[];
  readonly nodes?: number;
  readonly limits?: Partial<HistoryBounds>;
  run(cluster: Cluster, faults: Troubles, harness: LayerHarness): Promise<void>;
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
    const cluster = new Cluster(layers.map((layer) => new StubNode(layer, clock, limits)));
    await overTime(harness, Promise.all(cluster.nodes.map(({ opened }) => opened)));
    // Who has been answered is known to the others.
    for (const { layer } of cluster.nodes) await overTime(harness, (async () => layer.members('nobody'))());
    return cluster;
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

const stepMs = 1_000;
const stepsMax = 120;

/** Moves time on until the promise has settled; in real time where it cannot be moved. */
export async function overTime<T>(harness: LayerHarness, promise: Promise<T>): Promise<T> {
  let hasSettled = false;
  const settled = promise.finally(() => {
    hasSettled = true;
  });
  settled.catch(() => {});
  await inTime(harness, () => hasSettled, 'the call is answered');
  return settled;
}

/** Until it is so, for as long as a layer may need to find out what went wrong. */
export async function inTime(harness: LayerHarness, isSo: () => boolean, what: string): Promise<void> {
  const { time, patienceMs = 10_000 } = harness;
  const untilMs = performance.now() + patienceMs;
  for (let step = 0; !isSo(); step += 1) {
    const isUp = time === undefined ? performance.now() > untilMs : step >= stepsMax;
    assert.ok(!isUp, `it never came to be that ${what}`);
    await harness.settle();
    if (isSo()) return;
    if (time !== undefined) await time.advance(stepMs);
    // real time: a layer over a real broker has no other
    else await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** All that was under way before has arrived. */
export async function flushed(harness: LayerHarness, { layer }: StubNode): Promise<void> {
  if (harness.flush === undefined) await harness.settle();
  else await harness.flush(layer);
}
