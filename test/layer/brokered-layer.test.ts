import type { ChannelLayer } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { settingsOf } from '../../src/layer/redis/connection/options.ts';
import { BrokeredLayer } from '../../src/layer/redis/redis-layer.ts';
import { layerCases, type LayerHarness } from '../../testing/conformance/layer.ts';
import { Cluster, inTime, overTime } from '../../testing/conformance/layer-harness.ts';
import { saved } from '../../testing/conformance/layer-node.ts';
import { ManualClock } from '../manual-clock.ts';
import { SimulatedBroker, type Mutant, type SimulatedConnection } from './simulated-broker.ts';

/** The Redis layer's logic on a broker that is as bad as a test wants it to be, in virtual time. */
function harnessOf(seed: number, mutant?: Mutant): LayerHarness {
  const clock = new ManualClock();
  let broker = new SimulatedBroker(seed, clock, mutant);
  let names = 0;
  const pushes = ({ node }: ChannelLayer): SimulatedConnection => broker.of(node, 'pushes')[0] as SimulatedConnection;
  const prefix = 'sim';
  return {
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
      interrupt: ({ node }) => broker.of(node, 'commands')[0]?.lose('reset'),
      remember: () => broker.remember(),
      restart: (how) => broker.restart(how),
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
