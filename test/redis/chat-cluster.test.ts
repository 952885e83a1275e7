import type { App } from 'channelbox';
import { redisLayer } from 'channelbox/redis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createChat } from '../../examples/chat/chat.ts';
import { Visitor } from '../examples/chat-visitor.ts';
import { requirement } from '../requirement.ts';
import { RedisServer } from './redis-server.ts';

const program = requirement('redis-server');

describe.skipIf(program === undefined)('the chat on two nodes', () => {
  let server: RedisServer;
  let apps: App[];
  let addresses: string[];

  beforeEach(async () => {
    server = await RedisServer.start(program ?? '');
    apps = [];
    addresses = [];
    for (let node = 0; node < 2; node += 1) {
      const app = createChat({ layer: redisLayer({ url: server.url, prefix: 'chat' }), rateLimit: false });
      const { port } = await app.listen(0, '127.0.0.1');
      apps.push(app);
      addresses.push(`ws://127.0.0.1:${port}`);
    }
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    await server[Symbol.asyncDispose]();
  });

  const at = (node: number): string => addresses[node] as string;

  test('a room is one room, wherever its people are', async () => {
    const { visitor: ann } = await Visitor.enter(at(0), { room: 'r', username: 'ann' });
    const { visitor: bob, history } = await Visitor.enter(at(1), { room: 'r', username: 'bob' });
    expect(history.users).toBe(2);
    ann.say('hello');
    expect(await bob.next('chat')).toMatchObject({ user: 'ann', message: 'hello' });
  });

  test('who comes back to the other node with a position gets exactly what was missed', async () => {
    const { visitor: ann } = await Visitor.enter(at(0), { room: 'r', username: 'ann' });
    const { visitor: bob } = await Visitor.enter(at(1), { room: 'r', username: 'bob' });
    ann.say('1');
    const { position } = await bob.next('chat');
    await bob.leave();
    for (const text of ['2', '3', '4']) ann.say(text);
    await ann.until('4');

    const { visitor: again, history } = await Visitor.enter(at(0), { room: 'r', username: 'bob', since: position });
    ann.say('5');
    const said = history.messages.flatMap((frame) => (frame.type === 'chat' ? [frame.message] : []));
    expect([history.recovered, said]).toEqual([true, ['2', '3', '4']]);
    expect(await again.next('chat')).toMatchObject({ message: '5' });
  });

  test('where Redis has forgotten, pages are told to come again, and see the gap', async () => {
    const { visitor: ann } = await Visitor.enter(at(0), { room: 'r', username: 'ann' });
    ann.say('before');
    const { position } = await ann.next('chat');
    await server.kill();
    await server.start();

    expect(await ann.next('reset')).toEqual({ type: 'reset' });
    const { history } = await Visitor.enter(at(1), { room: 'r', username: 'ann', since: position });
    expect(history.recovered).toBe(false);
  });
});
