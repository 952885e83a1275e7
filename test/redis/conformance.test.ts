import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ChannelLayer } from 'channelbox';
import type { RedisLayer } from 'channelbox/redis';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { loadRedis } from '../../src/layer/redis/broker/client-port.ts';
import { RedisBroker } from '../../src/layer/redis/broker/redis-broker.ts';
import { settingsOf } from '../../src/layer/redis/connection/options.ts';
import { BrokeredLayer } from '../../src/layer/redis/redis-layer.ts';
import { layerCases } from '../../testing/conformance/layer.ts';
import { requirement } from '../requirement.ts';
import { MeddlingBroker } from './meddling-broker.ts';
import { foreignPushes } from './processes/foreign-pushes.ts';
import { RedisServer } from './redis-server.ts';

const program = requirement('redis-server');

// A ping of its own is what only `@redis/client` does: connections are then made by it.
const ways = { 'sockets of its own': {}, '@redis/client': { pingInterval: 600_000 } };

describe.skipIf(program === undefined).each(Object.entries(ways))('the Redis layer, by way of %s', (_way, client) => {
  let server: RedisServer;
  let clusters = 0;
  let newest: RedisLayer[] = [];
  const brokers = new Map<ChannelLayer, MeddlingBroker>();
  const brokerOf = (layer: ChannelLayer): MeddlingBroker => brokers.get(layer) as MeddlingBroker;
  beforeAll(async () => {
    server = await RedisServer.start(program ?? '', { isUnix: true });
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const cases = layerCases({
    nodesMax: 3,
    layers: (count): ChannelLayer[] => {
      clusters += 1;
      const options = {
        url: server.url,
        client,
        prefix: `c${clusters}`,
        // A process that is not run for a while does not lose it.
        leaseMs: 3_000,
        leaseRenewMs: 200,
        verifyMs: 300,
      };
      newest = Array.from({ length: count }, () => {
        // As `redisLayer` makes it, with what a test does to its connections between the two.
        const settings = settingsOf(options);
        const broker = new MeddlingBroker(new RedisBroker(loadRedis(), settings));
        const layer = new BrokeredLayer(broker, settings);
        brokers.set(layer, broker);
        return layer;
      });
      return newest;
    },
    // Deadlines are those by default, in real time: what waits for them is run over one of the two ways.
    ...('pingInterval' in client ? {} : { cut: (layer: ChannelLayer): void => void (brokerOf(layer).isCut = true) }),
    settle: () => settled(newest.filter((layer) => !brokerOf(layer).isCut)),
    flush: () => settled(newest),
    faults: {
      dropNext: (layer, count) => void (brokerOf(layer).dropNext = count),
      repeatNext: (layer, count) => void (brokerOf(layer).repeatNext = count),
      replayOld: (layer, group) => brokerOf(layer).replay(`c${clusters}:{${group}}`),
      deafen: (layer) => brokerOf(layer).deafen(),
      trimAway: async (group) => void (await server.command('XTRIM', `c${clusters}:{${group}}:log`, 'MAXLEN', '1')),
      kill: (layer) => brokerOf(layer).die(),
      // Its lease ends now, and whoever renews next finds that out: itself, or another that then clears up after it.
      lapse: async ({ node }) => void (await server.command('ZADD', `c${clusters}:nodes`, '1', node)),
      disconnect: async () => void (await server.killClients('pubsub')),
      interrupt: async () => void (await server.killClients('normal')),
      remember: async () => void (await server.command('SAVE')),
      restart: async (how) => {
        await server.kill();
        if (how === 'empty') rmSync(join(server.folder, 'dump.rdb'), { force: true });
        await server.start();
      },
      foreign: async ({ node }, group) => {
        for (const channel of [`c${clusters}:{${group}}`, `c${clusters}:node:${node}`]) {
          for (const push of foreignPushes) await server.command('PUBLISH', channel, push);
        }
      },
    },
  });
  test.each(cases)('$name', ({ run }) => run());
});

/**
 * A question to each node by way of each other one: it goes the way of commands and then of pushes, and its answer
 * comes the same way back, behind all that was under way. A node alone answers for its commands.
 */
async function settled(layers: readonly RedisLayer[]): Promise<void> {
  const isUp = ({ status }: { readonly status: string }): boolean => status === 'up' || status === 'recovering';
  const there = layers.filter((layer) => isUp(layer.health()));
  const asking = there.flatMap((from) => [
    (async () => from.members('nobody'))(),
    ...there.filter((to) => to !== from).map(async (to) => from.send(to.channelId?.('nobody') ?? '', probe)),
  ]);
  await Promise.allSettled(asking);
}

const probe = { kind: 'json', text: '0' } as const;
