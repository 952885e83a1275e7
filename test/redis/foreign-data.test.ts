/** Redis belongs to others too: what they leave at the layer's keys, or send on its channels, hurts nothing but itself. */
import { SystemClock } from 'channelbox';
import { redisLayer, type RedisLayer } from 'channelbox/redis';
import { afterEach, describe, expect, test } from 'vitest';
import { saved, saying, StubNode } from '../../testing/conformance/layer-node.ts';
import { requirement } from '../requirement.ts';
import { RedisServer } from './redis-server.ts';

const program = requirement('redis-server');
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function upNode(): Promise<{ server: RedisServer; node: StubNode; layer: RedisLayer }> {
  const server = await RedisServer.start(program ?? '');
  open.push(server);
  const layer = redisLayer({ url: server.url, deadlineMs: 20_000, verifyMs: 200 });
  const node = new StubNode(layer, new SystemClock());
  open.push({ [Symbol.asyncDispose]: () => layer.close() });
  await layer.ready();
  return { server, node, layer };
}

describe.skipIf(program === undefined)('what others leave in Redis', () => {
  test.each([
    ['ends the connection of who listens, as Redis does by itself', '33554432 8388608 60', 0],
    ['arrives, where Redis lets it', '0 0 0', 1],
  ])('64 MiB on the channel of a group: it %s; its messages come as before', async (_what, limit, malformed) => {
    const { server, node, layer } = await upNode();
    await server.command('CONFIG', 'SET', 'client-output-buffer-limit', `pubsub ${limit}`);
    await node.join('room');
    await server.command('PUBLISH', 'channelbox:{room}', 'x'.repeat(64 * 1024 * 1024));
    await layer.publish('room', saved('after'));
    await expect.poll(() => node.delivered.map(({ text }) => text)).toEqual(['after']);
    await expect.poll(() => layer.health().status).toBe('up');
    // What was saved may have been read before all of it has come.
    await expect.poll(() => layer.metrics()['malformed']).toBe(malformed);
    // What was not saved may have gone with the connection, and that is said.
    expect(node.misses.filter(({ what }) => what.saved)).toEqual([]);
  });

  test('a key of another type fails the calls of its group, with the words of Redis, and of no other', async () => {
    const { server, node, layer } = await upNode();
    await node.join('room');
    await node.join('spoiled');
    await server.command('SET', 'channelbox:{spoiled}:log', 'not a stream');
    await server.command('SET', 'channelbox:{spoiled}:meta', 'not a hash');
    await expect(layer.publish('spoiled', saved('1'))).rejects.toMatchObject({ message: /WRONGTYPE/ });
    await expect(layer.publish('spoiled', saying('unsaved'))).resolves.toMatchObject({ exists: true });
    await layer.publish('room', saved('fine'));
    await expect.poll(() => node.delivered.map(({ text }) => text).toSorted()).toEqual(['fine', 'unsaved']);
    expect(layer.health().status).toBe('up');
  });
});
