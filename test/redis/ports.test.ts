import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BrokerLost, BrokerRefusal } from '../../src/layer/redis/broker/broker.ts';
import { ClientPort, loadRedis } from '../../src/layer/redis/broker/client-port.ts';
import { DirectPort, directOptionsOf } from '../../src/layer/redis/broker/direct-port.ts';
import type { PortEvents, ServerPort } from '../../src/layer/redis/broker/server-port.ts';
import { requirement } from '../requirement.ts';
import { RedisServer } from './redis-server.ts';

const program = requirement('redis-server');
const nothing: PortEvents = { pushed: () => {}, lost: () => {} };
const password = 'a secret';

interface PortOptions {
  readonly password?: string;
  readonly database?: number;
  readonly name?: string;
}

const kinds = {
  'a socket of its own': (socket: object, options: PortOptions, events: PortEvents): ServerPort =>
    new DirectPort({ ...options, socket: { ...socket } }, events),
  '@redis/client': (socket: object, options: PortOptions, events: PortEvents): ServerPort => {
    const whole = { ...options, RESP: 3, disableClientInfo: true, socket: { ...socket, reconnectStrategy: false } };
    return new ClientPort(loadRedis(), whole, events);
  },
};

describe.skipIf(program === undefined).each(Object.entries(kinds))('a port over %s', (_kind, portOf) => {
  let server: RedisServer;
  const open: ServerPort[] = [];
  beforeAll(async () => {
    server = await RedisServer.start(program ?? '', { password });
  });
  afterAll(async () => {
    for (const port of open) port.close();
    await server[Symbol.asyncDispose]();
  });

  async function connected(events: PortEvents = nothing, options: PortOptions = {}): Promise<ServerPort> {
    const port = portOf({ host: '127.0.0.1', port: server.port }, { password, ...options }, events);
    open.push(port);
    await port.connect();
    return port;
  }

  test('executes in the order of the calls, and answers each', async () => {
    const port = await connected();
    const calls = Array.from({ length: 500 }, async (_, at) => port.send(['RPUSH', 'list', String(at)]));
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    const binary = [port.send(['SET', 'bytes', bytes]), port.send(['GET', 'bytes']), port.send(['GET', 'none'])];
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
    expect(await Promise.all(binary)).toEqual(['OK', bytes, null]);
    expect(String(await port.send(['LRANGE', 'list', '0', '-1']))).toBe(
      Array.from({ length: 500 }, (_, at) => at).join(),
    );
  });

  test('brings answers of megabytes whole', async () => {
    const port = await connected();
    const bytes = Buffer.alloc(3_000_000, 'abcdefg');
    await port.send(['SET', 'long', bytes]);
    const [long, after] = await Promise.all([port.send(['GET', 'long']), port.send(['ECHO', 'after'])]);
    expect(bytes.equals(long as Buffer)).toBe(true);
    expect(String(after)).toBe('after');
  });

  test('tells an error of its own call, and goes on', async () => {
    const port = await connected();
    const wrong = port.send(['EVALSHA', 'f'.repeat(40), '0']);
    const right = port.send(['ECHO', 'x']);
    await expect(wrong).rejects.toThrow(BrokerRefusal);
    await expect(wrong).rejects.toThrow(/^NOSCRIPT/);
    expect(String(await right)).toBe('x');
  });

  test('hears the channels that it has subscribed, until it leaves them', async () => {
    const heard: string[] = [];
    const port = await connected({
      ...nothing,
      pushed: (channel, payload) => heard.push(`${channel} ${String(payload)}`),
    });
    const other = await connected();
    await Promise.all([port.subscribe(['один', 'two']), port.subscribe(['three']), port.subscribe([])]);
    for (const channel of ['один', 'two', 'three']) await other.send(['PUBLISH', channel, Buffer.from('1')]);
    await port.unsubscribe(['two']);
    expect(await other.send(['PUBLISH', 'two', '2'])).toBe(0);
    await other.send(['PUBLISH', 'three', '2']);
    await expect.poll(() => heard).toEqual(['один 1', 'two 1', 'three 1', 'three 2']);
  });

  test('a connection that is cut rejects what is under way and what comes later, and is told of', async () => {
    const lost = vi.fn<(error: Error) => void>();
    const port = await connected({ ...nothing, lost }, { name: 'to-be-cut' });
    const waiting = port.send(['BLPOP', 'never', '0']);
    const waitingToo = port.send(['ECHO', 'x']);
    const outcomes = Promise.allSettled([waiting, waitingToo]);
    const clients = String(await server.command('CLIENT', 'LIST'));
    const id = /id=(\d+) [^\n]*name=to-be-cut/.exec(clients)?.[1] ?? '';
    await server.command('CLIENT', 'KILL', 'ID', id);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(BrokerLost) as unknown });
    }
    await expect.poll(() => lost.mock.calls.length).toBeGreaterThan(0);
    await expect(port.send(['PING'])).rejects.toThrow(BrokerLost);
  });

  test('takes the database and the name that it is told', async () => {
    const port = await connected(nothing, { database: 3, name: 'on-three' });
    expect(String(await port.send(['CLIENT', 'INFO']))).toMatch(/name=on-three .*db=3/);
  });

  test('with a wrong password it is refused in the words of Redis', async () => {
    await expect(connected(nothing, { password: 'wrong' })).rejects.toThrow(/WRONGPASS/);
  });

  test('that no server answers is told of once it is known', async () => {
    const port = portOf({ path: `${server.folder}/none.sock` }, {}, nothing);
    open.push(port);
    await expect(port.connect()).rejects.toThrow(/ENOENT/);
  });
});

test('what only @redis/client can do is left to it', () => {
  const socket = { host: 'redis', port: 6379 };
  expect(directOptionsOf({ username: 'u', password: 'p', database: 1, name: 'n', socket })).toBeDefined();
  expect(directOptionsOf({ pingInterval: undefined, socket })).toBeDefined();
  expect(directOptionsOf({ pingInterval: 1_000, socket })).toBeUndefined();
  expect(directOptionsOf({ credentialsProvider: {}, socket })).toBeUndefined();
  expect(directOptionsOf({ socket: { ...socket, socketTimeout: 1_000 } })).toBeUndefined();
});
