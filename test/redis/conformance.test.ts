import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ChannelLayer } from 'channelbox';
import { redisLayer, type RedisLayer } from 'channelbox/redis';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { layerCases } from '../../testing/conformance/layer.ts';
import { requirement } from '../requirement.ts';
import { foreignPushes } from './processes/foreign-pushes.ts';
import { RedisServer } from './redis-server.ts';

const program = requirement('redis-server');

// A ping of its own is what only `@redis/client` does: connections are then made by it.
const ways = { 'sockets of its own': {}, '@redis/client': { pingInterval: 600_000 } };

describe.skipIf(program === undefined).each(Object.entries(ways))('the Redis layer, by way of %s', (_way, client) => {
  let server: RedisServer;
  let clusters = 0;
  let newest: RedisLayer[] = [];
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
        leaseMs: 600,
        leaseRenewMs: 200,
        verifyMs: 300,
      };
      newest = Array.from({ length: count }, () => redisLayer(options));
      return newest;
    },
    settle: () => settled(newest),
    flush: () => settled(newest),
    faults: {
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
