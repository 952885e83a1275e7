import type { ChannelLayer, EntryPage, HistoryQuery } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { BrokerRefusal, type BrokerReply, type ScriptName } from '../../src/layer/redis/broker/broker.ts';
import type { RedisHealth } from '../../src/layer/redis/connection/health.ts';
import { settingsOf } from '../../src/layer/redis/connection/options.ts';
import { BrokeredLayer, type RedisLayer } from '../../src/layer/redis/redis-layer.ts';
import { layerCases, type LayerHarness } from '../../testing/conformance/layer.ts';
import { Cluster, inTime, overTime } from '../../testing/conformance/layer-harness.ts';
import { saved, type StubNode } from '../../testing/conformance/layer-node.ts';
import { ManualClock } from '../manual-clock.ts';
import { SimulatedBroker, type Mutant, type SimulatedConnection } from './simulated-broker.ts';

interface BrokeredHarness extends LayerHarness {
  /** The connection of that node, as the newest cluster's broker has it. */
  connection(layer: ChannelLayer, purpose: 'pushes' | 'commands'): SimulatedConnection;
}

/** The Redis layer's logic on a broker that is as bad as a test wants it to be, in virtual time. */
function harnessOf(seed: number, mutant?: Mutant): BrokeredHarness {
  const clock = new ManualClock();
  let broker = new SimulatedBroker(seed, clock, mutant);
  let names = 0;
  const connection = ({ node }: ChannelLayer, purpose: 'pushes' | 'commands'): SimulatedConnection =>
    broker.of(node, purpose)[0] as SimulatedConnection;
  const pushes = (layer: ChannelLayer): SimulatedConnection => connection(layer, 'pushes');
  const prefix = 'sim';
  return {
    connection,
    nodesMax: 3,
    layers: (count): ChannelLayer[] => {
      broker = new SimulatedBroker(seed, clock, mutant);
      const settings = settingsOf({ prefix, verifyMs: mutant === 'verification' ? 0 : 30_000 });
      const chance = { random: broker.random, fresh: () => `n${String((names += 1)).padStart(11, '0')}` };
      return Array.from({ length: count }, () => new BrokeredLayer(broker, settings, chance));
    },
    settle: () => broker.settle(),
    time: {
      clock,
      advance: async (ms) => {
        clock.advance(ms);
        await broker.settle();
      },
    },
    faults: {
      dropNext: (layer, count) => void (pushes(layer).dropNext = count),
      repeatNext: (layer, count) => void (pushes(layer).repeatNext = count),
      replayOld: (layer, group) => {
        const channel = `${prefix}:{${group}}`;
        pushes(layer).deliver(channel, pushes(layer).heard.get(channel)?.[0] ?? Buffer.alloc(0));
      },
      deafen: (layer) => void (pushes(layer).isDeaf = true),
      disconnect: (layer) => pushes(layer).lose('reset'),
      interrupt: (layer) => connection(layer, 'commands')?.lose('reset'),
      remember: () => broker.remember(),
      restart: (how) => broker.restart(how),
      lapse: ({ node }) => void broker.store.memory.leases.set(node, 0),
      trimAway: (group) => {
        const log = broker.store.memory.groups.get(`${prefix}:{${group}}`)?.log;
        for (const offset of [...(log?.keys() ?? [])].slice(0, -1)) log?.delete(offset);
      },
      foreign: (layer, group) => {
        for (const text of ['', 'x', 'Fx', '1M', '1U', `1M${'A'.repeat(12)}${'9'.repeat(30)}`, '2M', '{}']) {
          pushes(layer).deliver(`${prefix}:{${group}}`, Buffer.from(text));
          pushes(layer).deliver(`${prefix}:node:${layer.node}`, Buffer.from(text));
        }
      },
    },
  };
}

describe.each([1, 2, 3])('the Redis layer on a simulated broker, seed %i', (seed) => {
  test.each(layerCases(harnessOf(seed)))('$name', ({ run }) => run());
});

/** One node sleeps through what the broker then forgets: where both stand fits, and is not the same. */
async function sleeperIsTold(harness: LayerHarness): Promise<boolean> {
  const { faults } = harness;
  await using cluster = await Cluster.of(harness, 2);
  const { first, second } = cluster;
  const say = (text: string): Promise<unknown> =>
    overTime(harness, (async () => second.layer.publish('room', saved(text)))());
  await first.join('room');
  for (const text of ['1', '2']) await say(text);
  await faults?.remember?.();
  await faults?.deafen?.(first.layer);
  for (const text of ['3', '4', '5']) await say(text);
  await faults?.restart?.('old');
  // In steps: who waits for a connection must not be told that a second has passed before it can be made.
  for (let step = 0; step < 20; step += 1) await harness.time?.advance(50);
  for (const text of ['a', 'b']) await say(text);
  await inTime(harness, () => first.texts('room').includes('b'), 'what follows arrives');
  return first.misses.some(({ what, after }) => what.saved && after === 2);
}

test.each([1, 2, 3, 4, 5])('who slept through what a broker forgot is told, seed %i', async (seed) => {
  expect(await sleeperIsTold(harnessOf(seed))).toBe(true);
});

test('a page that is read as the last member leaves finds no hole: the node is up', async () => {
  const behind: unknown[] = [];
  // Whether the mark or the page comes first is up to chance.
  for (let seed = 1; seed <= 20; seed += 1) {
    const harness = harnessOf(seed);
    await using cluster = await Cluster.of(harness, 2);
    const { first, second } = cluster;
    const ann = await overTime(harness, first.join('room'));
    await harness.faults?.dropNext?.(first.layer, 1);
    await overTime(harness, (async () => second.layer.publish('room', saved('1')))());
    const reading = (async () => first.layer.history('room', { keep: 'oldest' }))();
    await overTime(harness, Promise.all([reading, first.leave('room', ann)]));
    await harness.settle();
    behind.push(first.layer.health?.().behind);
  }
  expect(new Set(behind)).toEqual(new Set([0]));
});

/** Reads a page of the room, and notes down what is delivered from the moment on at which the page is said to have been. */
function reading(
  node: StubNode,
  more: Partial<HistoryQuery> = {},
): { readonly page: Promise<EntryPage>; after(): readonly string[] } {
  let caughtUpAt = Infinity;
  const caughtUp = (): void => {
    caughtUpAt = node.delivered.length;
  };
  const page = (async () => node.layer.history('room', { keep: 'newest', ...more, caughtUp }))();
  return { page, after: () => node.delivered.slice(caughtUpAt).map(({ text }) => text) };
}

function textsOf({ entries }: EntryPage): string[] {
  return entries.map(({ payload }) => (payload.kind === 'string' ? payload.text : ''));
}

describe.each([1, 2, 3, 4, 5])('what a page holds is not delivered after it, seed %i', (seed) => {
  const harness = harnessOf(seed);
  const inSteps = async (): Promise<void> => {
    // Who waits for a connection must not be told that a second has passed before it can be made.
    for (let step = 0; step < 20; step += 1) await harness.time?.advance(50);
  };
  const say = async ({ layer }: StubNode, ...texts: string[]): Promise<void> => {
    for (const text of texts) await overTime(harness, (async () => layer.publish('room', saved(text)))());
  };

  test('though what another epoch has left on the way comes behind its answer', async () => {
    await using cluster = await Cluster.of(harness, 2);
    const { first, second } = cluster;
    await first.join('room');
    await say(second, '1', '2');
    const pushes = harness.connection(first.layer, 'pushes');
    pushes.hold();
    await say(second, '3');
    await overTime(harness, (async () => second.layer.flushHistory())());
    await say(second, 'a', 'b');
    const { page, after } = reading(first);
    await harness.settle();
    pushes.release();
    expect(textsOf(await overTime(harness, page))).toEqual(['a', 'b']);
    await say(second, 'c');
    await inTime(harness, () => first.texts('room').includes('c'), 'what follows arrives');
    expect(after()).toEqual(['c']);
    expect(first.texts('room')).toEqual(['1', '2', '3', 'a', 'b', 'c']);
  });

  test('though its first answer was lost, and its mark still on the way', async () => {
    await using cluster = await Cluster.of(harness, 2);
    const { first, second } = cluster;
    await first.join('room');
    await say(second, '1', '2');
    const [pushes, commands] = [harness.connection(first.layer, 'pushes'), harness.connection(first.layer, 'commands')];
    pushes.hold();
    commands.hold();
    const { page, after } = reading(first);
    await harness.settle();
    await say(second, '3');
    commands.discard();
    await inSteps();
    pushes.release();
    expect(textsOf(await overTime(harness, page))).toEqual(['1', '2', '3']);
    await say(second, '4');
    await inTime(harness, () => first.texts('room').includes('4'), 'what follows arrives');
    expect(after()).toEqual(['4']);
  });

  test.each([undefined, 1, 2])('though its first answer was lost after its mark had come, limit %s', async (limit) => {
    await using cluster = await Cluster.of(harness, 2);
    const { first, second } = cluster;
    await first.join('room');
    await say(second, '1', '2');
    const commands = harness.connection(first.layer, 'commands');
    commands.hold();
    const { page, after } = reading(first, { limit });
    await harness.settle();
    await say(second, '3');
    commands.discard();
    await inSteps();
    expect(textsOf(await overTime(harness, page))).toEqual(['1', '2'].slice(limit === 1 ? 1 : 0));
    await say(second, '4');
    await inTime(harness, () => first.texts('room').includes('4'), 'what follows arrives');
    expect(after()).toEqual(['3', '4']);
  });

  test('nor is there a hole behind it, where what follows was trimmed before it came', async () => {
    await using cluster = await Cluster.of(harness, 2, { countMax: 3 });
    const { first, second } = cluster;
    await first.join('room');
    await say(second, '1', '2');
    const pushes = harness.connection(first.layer, 'pushes');
    pushes.hold();
    await say(second, '3');
    const since = first.delivered[0]?.entry?.position;
    const { page, after } = reading(first, { since });
    await harness.settle();
    await say(second, '4', '5', '6', '7');
    pushes.discard();
    await inSteps();
    const read = await overTime(harness, page);
    await say(second, '8');
    await inTime(harness, () => first.texts('room').includes('8'), 'what follows arrives');
    expect([read.recovered, textsOf(read), after()]).toEqual([false, ['5', '6', '7'], ['8']]);
  });

  test('though a process woke up beside a server that had come back old: then there is no page', async () => {
    await using cluster = await Cluster.of(harness, 2);
    const { first, second } = cluster;
    await first.join('room');
    await say(second, '1', '2');
    await harness.faults?.remember?.();
    const [pushes, commands] = [harness.connection(first.layer, 'pushes'), harness.connection(first.layer, 'commands')];
    pushes.hold();
    commands.hold();
    const { page } = reading(first);
    const refusal = page.catch((error: unknown) => error);
    await harness.settle();
    await say(second, 'lost 1', 'lost 2');
    await harness.faults?.restart?.('old');
    await inSteps();
    await say(second, 'a', 'b');
    pushes.release();
    commands.discard();
    await inSteps();
    expect(await refusal).toMatchObject({ code: 'CHANNELBOX_LAYER_UNKNOWN' });
    expect(first.texts('room')).toEqual(['1', '2', 'lost 1', 'lost 2', 'a', 'b']);
  });
});

test('a comparison that is asked for while nothing is heard is not the last one', async () => {
  const arrived: boolean[] = [];
  // Which of the two connections is there first is up to chance.
  for (let seed = 1; seed <= 20; seed += 1) {
    const harness = harnessOf(seed);
    await using cluster = await Cluster.of(harness, 2);
    const { first, second } = cluster;
    const say = (text: string): Promise<unknown> =>
      overTime(harness, (async () => second.layer.publish('room', saved(text)))());
    await overTime(harness, first.join('room'));
    await say('1');
    for (let waitedMs = 0; waitedMs < 29_000; waitedMs += 1_000) await harness.time?.advance(1_000);
    const commands = harness.connection(first.layer, 'commands');
    commands.hold();
    await harness.time?.advance(1_000);
    commands.discard();
    harness.connection(first.layer, 'pushes').lose('reset');
    for (let step = 0; step < 100; step += 1) await harness.time?.advance(5);
    await harness.faults?.dropNext?.(first.layer, 1);
    await say('2');
    // Nothing newer shows that it is missing.
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 1_000) await harness.time?.advance(1_000);
    arrived.push(first.texts('room').includes('2'));
  }
  expect(arrived).toEqual(arrived.map(() => true));
});

test('a leaving that nobody answers is over by the deadline', async () => {
  const harness = harnessOf(1);
  await using cluster = await Cluster.of(harness, 1);
  const { first } = cluster;
  const ann = await overTime(harness, first.join('room'));
  harness.connection(first.layer, 'pushes').hold();
  let isOver = false;
  const leaving = first.leave('room', ann).then(() => (isOver = true));
  await harness.settle();
  await harness.time?.advance(5_000);
  expect(isOver).toBe(true);
  await leaving;
});

describe('health', () => {
  /** A node whose commands of one kind do not go as they should, until the test says so. */
  async function nodeOf(
    harness: BrokeredHarness,
    script: ScriptName,
    answer: (run: () => Promise<BrokerReply>) => Promise<BrokerReply>,
  ) {
    const cluster = await Cluster.of(harness, 1);
    const { first } = cluster;
    await overTime(harness, first.join('room'));
    const commands = harness.connection(first.layer, 'commands');
    const run = commands.run.bind(commands);
    commands.run = (name, ...rest) => (name === script ? answer(() => run(name, ...rest)) : run(name, ...rest));
    const health = (): RedisHealth => (first.layer as RedisLayer).health();
    return { cluster, first, health };
  }

  test('is down while the lease is refused, though publishes are answered', async () => {
    const harness = harnessOf(1);
    let isRefused = true;
    const refuse = (run: () => Promise<BrokerReply>): Promise<BrokerReply> =>
      isRefused ? Promise.reject(new BrokerRefusal('NOPERM this user has no permissions')) : run();
    const { cluster, first, health } = await nodeOf(harness, 'lease', refuse);
    await using _ = cluster;
    await harness.time?.advance(5_000);
    await overTime(harness, (async () => first.layer.publish('room', saved('1')))());
    expect(health()).toMatchObject({ status: 'down', reason: 'Redis refused: NOPERM this user has no permissions' });
    isRefused = false;
    await harness.time?.advance(5_000);
    expect(health().status).toBe('up');
  });

  test('is up, and the lease is renewed, however long it takes to write all members anew', async () => {
    const harness = harnessOf(1);
    let goOn = (): void => {};
    const isFree = new Promise<void>((resolve) => (goOn = resolve));
    const { cluster, first, health } = await nodeOf(harness, 'roster', (run) => isFree.then(run));
    await using _ = cluster;
    await harness.faults?.lapse?.(first.layer);
    for (let second = 0; second < 40; second += 5) {
      await harness.time?.advance(5_000);
      expect(health()).toMatchObject({ status: 'up', nodes: [first.layer.node] });
    }
    goOn();
    await harness.settle();
    expect((first.layer as RedisLayer).metrics()).toMatchObject({ leaseLapses: 1, reconnects: 0 });
  });
});

describe('without a safeguard the suite fails', () => {
  test('the fence', async () => {
    expect(await sleeperIsTold(harnessOf(5, 'fence'))).toBe(false);
  });

  test.each([
    ['probe', 'a node that hears nothing finds out'],
    ['verification', 'the last message of a group that is lost'],
    ['cursor', 'a saved message that is lost on its way'],
  ] as const)('the %s', async (mutant, start) => {
    const found = layerCases(harnessOf(5, mutant)).find(({ name }) => name.startsWith(start));
    await expect(found?.run()).rejects.toThrow();
  });
});
