import type { ChannelLayer } from 'channelbox';
import { redisLayer } from 'channelbox/redis';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { layerCases } from '../../testing/conformance/layer.ts';
import { requirement } from '../requirement.ts';
import { RedisServer } from './redis-server.ts';

const program = requirement('redis-server');

// A ping of its own is what only `@redis/client` does: connections are then made by it.
const ways = { 'sockets of its own': {}, '@redis/client': { pingInterval: 600_000 } };

describe.skipIf(program === undefined).each(Object.entries(ways))('the Redis layer, by way of %s', (_way, client) => {
  let server: RedisServer;
  let clusters = 0;
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
      return Array.from({ length: count }, () => redisLayer(options));
    },
    // real time: the server is another process
    settle: () => new Promise((resolve) => setTimeout(resolve, 60)),
  });
  test.each(cases)('$name', ({ run }) => run());
});
