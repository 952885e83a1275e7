import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as realTime } from 'node:timers/promises'; // real time: Redis is another process
import { LayerError, SystemClock, type GroupMessage } from 'channelbox';
import { redisLayer, type RedisLayer, type RedisLayerOptions } from 'channelbox/redis';
import { afterEach, describe, expect, test } from 'vitest';
import { saved, saying, StubNode } from '../../testing/conformance/layer-node.ts';
import { freePort } from '../free-port.ts';
import { requirement } from '../requirement.ts';
import { RedisProxy } from './redis-proxy.ts';
import { RedisServer, type ServerOptions } from './redis-server.ts';
import { SentinelProcess } from './sentinel-process.ts';

const program = requirement('redis-server');
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function serverOf(options: ServerOptions = {}): Promise<RedisServer> {
  const server = await RedisServer.start(program ?? '', options);
  open.push(server);
  return server;
}

function nodeOf(options: RedisLayerOptions): { node: StubNode; layer: RedisLayer } {
  const layer = redisLayer({ deadlineMs: 20_000, ...options });
  const node = new StubNode(layer, new SystemClock());
  open.push({ [Symbol.asyncDispose]: () => layer.close() });
  return { node, layer };
}

async function commandCounts(server: RedisServer): Promise<Map<string, number>> {
  const text = String(await server.command('INFO', 'commandstats'));
  return new Map(
    Array.from(text.matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm), ([, name, calls]) => [name as string, Number(calls)]),
  );
}

async function countedCommands(server: RedisServer, run: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await commandCounts(server);
  await run();
  const after = await commandCounts(server);
  const made = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(made.filter(([, calls]) => calls > 0));
}

const slow = { leaseRenewMs: 60_000, leaseMs: 600_000, verifyMs: 0 };

describe.skipIf(program === undefined)('what a publish costs', () => {
  test('one script and the calls in it for a saved message, one PUBLISH for another', async () => {
    const server = await serverOf();
    const { node, layer } = nodeOf({ url: server.url, ...slow });
    await layer.ready();
    await node.join('room');
    await layer.publish('room', saved('first'));

    const forSaved = await countedCommands(server, async () => layer.publish('room', saved('1')));
    const forOther = await countedCommands(server, async () => layer.publish('room', saying('1')));

    expect(forSaved).toEqual({ evalsha: 1, hmget: 1, time: 1, xadd: 1, hset: 1, publish: 1, info: 1 });
    expect(forOther).toEqual({ publish: 1, info: 1 });
  });

  test('one command for a burst of sixteen of one turn', async () => {
    const server = await serverOf();
    const { node, layer } = nodeOf({ url: server.url, ...slow });
    await layer.ready();
    await node.join('room');
    await layer.publish('room', saved('first'));

    const counts = await countedCommands(server, async () => {
      await Promise.all(Array.from({ length: 16 }, async (_, at) => layer.publish('room', saved(String(at)))));
    });

    expect(counts).toMatchObject({ evalsha: 1, publish: 1, xadd: 16 });
    expect(node.texts('room').slice(1)).toEqual(Array.from({ length: 16 }, (_, at) => String(at)));
  });

  test('four commands for a thousand groups that are joined in one turn, and two to verify them', async () => {
    const server = await serverOf();
    const { node, layer } = nodeOf({ url: server.url, ...slow });
    await layer.ready();

    const counts = await countedCommands(server, async () => {
      await Promise.all(Array.from({ length: 1_000 }, (_, at) => node.join(`room ${at}`)));
    });

    expect(counts).toMatchObject({ subscribe: 2 });
    expect(counts['evalsha'] ?? 0).toBeLessThanOrEqual(6);
  });
});

describe.skipIf(program === undefined)('a server that is not as it should be', () => {
  test('that is not there: ready rejects at the deadline with one line, and it comes up by itself', async () => {
    const port = await freePort();
    const { layer } = nodeOf({ url: `redis://user:geheim@127.0.0.1:${port}`, deadlineMs: 2_000 });
    const refused = await layer.ready().catch((error: unknown) => error);

    expect(refused).toBeInstanceOf(LayerError);
    expect(refused).toMatchObject({ code: 'CHANNELBOX_LAYER_DOWN', delivered: 'not-sent' });
    expect(String(refused)).toMatch(/ECONNREFUSED/);
    expect(String(refused) + JSON.stringify(layer.health())).not.toContain('geheim');
    expect(layer.health().status).toBe('down');
  });

  test('with another password: the reason is what Redis says, without the password, and attempts are few', async () => {
    const server = await serverOf({ password: 'right' });
    const { layer } = nodeOf({ url: server.url.replace('redis://', 'redis://:geheim@'), deadlineMs: 3_000 });
    await expect(layer.ready()).rejects.toMatchObject({ message: expect.stringMatching(/WRONGPASS/) });
    expect(JSON.stringify(layer.health())).not.toContain('geheim');
    const stats = String(await server.command('INFO', 'stats'));
    expect(Number(/total_connections_received:(\d+)/.exec(stats)?.[1])).toBeLessThan(30);
  });

  test('whose user may not run scripts: down, with its words', async () => {
    const server = await serverOf();
    await server.command('ACL', 'SETUSER', 'weak', 'on', '>pass', '~*', '&*', '+@all', '-@scripting');
    const { layer } = nodeOf({ url: server.url.replace('redis://', 'redis://weak:pass@'), deadlineMs: 3_000 });
    await expect(layer.ready()).rejects.toMatchObject({ message: expect.stringMatching(/NOPERM/) });
  });

  test('whose user may not ask INFO: up, with a warning', async () => {
    const server = await serverOf();
    await server.command('ACL', 'SETUSER', 'blind', 'on', '>pass', '~*', '&*', '+@all', '-info');
    const { layer } = nodeOf({ url: server.url.replace('redis://', 'redis://blind:pass@') });
    await layer.ready();
    expect(layer.health()).toMatchObject({ status: 'up', warnings: [expect.stringMatching(/INFO/)] });
  });

  test('whose user may not ask for its connection: up, with a warning', async () => {
    const server = await serverOf();
    await server.command('ACL', 'SETUSER', 'plain', 'on', '>pass', '~*', '&*', '+@all', '-client|info', '-client|kill');
    const { layer } = nodeOf({ url: server.url.replace('redis://', 'redis://plain:pass@') });
    await layer.ready();
    expect(layer.health()).toMatchObject({
      status: 'up',
      warnings: [expect.stringMatching(/CLIENT INFO.*client\|kill/)],
    });
  });

  test('that evicts: up, with a warning', async () => {
    const server = await serverOf({ settings: [['maxmemory-policy', 'allkeys-lru']] });
    const { layer } = nodeOf({ url: server.url });
    await layer.ready();
    expect(layer.health().warnings).toEqual([expect.stringMatching(/allkeys-lru.*noeviction/)]);
  });

  test('that is full: publishes are refused with its reply, nobody gets them, and members stay', async () => {
    const server = await serverOf();
    const { node, layer } = nodeOf({ url: server.url });
    await layer.ready();
    await node.join('room');
    await layer.publish('room', saved('before'));
    await server.command('CONFIG', 'SET', 'maxmemory', '1mb');

    const refused = await Promise.resolve(layer.publish('room', saved('x'))).catch((error: unknown) => error);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    const next = await layer.publish('room', saved('after'));

    expect(refused).toMatchObject({
      code: 'CHANNELBOX_LAYER_REFUSED',
      delivered: 'not-sent',
      message: expect.stringMatching(/OOM/),
    });
    expect(next.position?.offset).toBe(2);
    expect(node.texts('room')).toEqual(['before', 'after']);
  });

  test('that does not answer: every publish is unknown at its deadline, those that wait behind the first as well', async () => {
    const server = await serverOf();
    const { node, layer } = nodeOf({ url: server.url, deadlineMs: 3_000 });
    await layer.ready();
    await node.join('room');
    server.signal('SIGSTOP');
    const publish = async (text: string): Promise<unknown> =>
      Promise.resolve(layer.publish('room', saved(text))).catch((error: unknown) => error);
    const first = publish('1');
    // Another turn: these are not of the first one's command.
    await new Promise((resolve) => setImmediate(resolve));
    const outcomes = await Promise.all([first, publish('2'), publish('3')]);
    server.signal('SIGCONT');

    const late = { code: 'CHANNELBOX_LAYER_DEADLINE', delivered: 'unknown' };
    expect(outcomes).toMatchObject([late, late, late]);
    await expect.poll(() => node.texts('room')).toEqual(['1']);
  });

  test('is told of in health within 100 ms of its end', async () => {
    const server = await serverOf();
    const { layer } = nodeOf({ url: server.url });
    await layer.ready();
    await server.kill();
    // Of this process's own time: a look, and a turn of its event loop, each 10 ms.
    let looks = 0;
    // real time: the system tells of a connection that has ended
    for (; layer.health().status !== 'down' && looks < 100; looks += 1) await realTime(10);
    expect(looks).toBeLessThanOrEqual(10);
    await server.start();
    await expect.poll(() => layer.health().status).toBe('up');
  });
});

describe.skipIf(program === undefined)('holding', () => {
  test('publishes and joins wait for a connection, in order, and past holdBytesMax they are refused', async () => {
    const server = await serverOf();
    const { node, layer } = nodeOf({ url: server.url, holdMs: 20_000, deadlineMs: 20_000, holdBytesMax: 2_000 });
    await layer.ready();
    await node.join('room');
    await server.kill();
    await expect.poll(() => layer.health().status).toBe('down');

    const message: GroupMessage = saved('x'.repeat(300));
    const held = [1, 2, 3, 4].map(async () => layer.publish('room', message));
    const joining = node.join('other');
    await expect(layer.publish('room', saved('x'.repeat(1_000)))).rejects.toMatchObject({
      code: 'CHANNELBOX_LAYER_HELD',
    });
    await server.start();

    const offsets = (await Promise.all(held)).map(({ position }) => position?.offset);
    await joining;
    expect(offsets).toEqual([1, 2, 3, 4]);
  });

  test('without a wait they are refused at once, as not sent; and reach this node where that is wanted', async () => {
    const server = await serverOf();
    const strict = nodeOf({ url: server.url, holdMs: 0 });
    const local = nodeOf({ url: server.url, holdMs: 0, localFallback: true });
    await Promise.all([strict.layer.ready(), local.layer.ready()]);
    await Promise.all([strict.node.join('room'), local.node.join('room')]);
    await server.kill();
    await expect.poll(() => [strict, local].map(({ layer }) => layer.health().status)).toEqual(['down', 'down']);

    await expect(strict.layer.publish('room', saved('x'))).rejects.toMatchObject({
      code: 'CHANNELBOX_LAYER_DOWN',
      delivered: 'not-sent',
    });
    const published = await local.layer.publish('room', saved('y'));
    expect(published).toMatchObject({ counts: { members: 1, sent: 1 }, nodes: 1 });
    expect(published.position).toBeUndefined();
    expect([strict.node.texts('room'), local.node.texts('room')]).toEqual([[], ['y']]);
  });

  test('leaving never rejects, and a closed layer says so', async () => {
    const server = await serverOf();
    const { node, layer } = nodeOf({ url: server.url, holdMs: 0 });
    await layer.ready();
    const ann = await node.join('room');
    await server.kill();
    await expect.poll(() => layer.health().status).toBe('down');
    await node.leave('room', ann);
    await layer.close();
    await expect(layer.publish('room', saved('x'))).rejects.toMatchObject({ code: 'CHANNELBOX_LAYER_CLOSED' });
    expect(layer.health().status).toBe('closed');
  });
});

describe.skipIf(program === undefined)('a connection that was given up', () => {
  test('executes nothing more: what a network kept back of it is not published behind its own retry', async () => {
    const server = await serverOf();
    const proxy = await RedisProxy.start(join(server.folder, 'redis.sock'));
    open.push(proxy);
    const { node, layer } = nodeOf({ url: proxy.url, ...slow });
    await layer.ready();
    await node.join('room');
    await layer.publish('room', saved('before'));
    proxy.holdBack();
    const publishing = layer.publish('room', saved('once'));
    await expect.poll(() => proxy.heldBytes).toBeGreaterThan(0);
    proxy.reset();
    const { position } = await publishing;
    await proxy.release();
    const after = await layer.publish('room', saved('after'));

    expect([position?.offset, after.position?.offset]).toEqual([2, 3]);
    await expect.poll(() => node.texts('room')).toEqual(['before', 'once', 'after']);
  });
});

describe.skipIf(program === undefined)('ways to a server', () => {
  test('TLS, with a certificate of its own', async () => {
    const server = await serverOf();
    const [key, cert] = [join(server.folder, 'key.pem'), join(server.folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '2',
        ...subject,
      ],
      { stdio: 'ignore' },
    );
    const port = await freePort();
    const secure = await serverOf({
      settings: [
        ['tls-port', String(port)],
        ['tls-cert-file', cert],
        ['tls-key-file', key],
        ['tls-auth-clients', 'no'],
      ],
    });
    const { node, layer } = nodeOf({
      url: `rediss://127.0.0.1:${port}`,
      client: { socket: { tls: true, ca: readFileSync(cert) } },
    });
    await layer.ready();
    await node.join('room');
    await layer.publish('room', saved('x'));
    expect(node.texts('room')).toEqual(['x']);
    expect(secure.pid).toBeGreaterThan(0);
  });

  test('Sentinel: the master that it names, and the other one after a failover', { timeout: 120_000 }, async () => {
    const master = await serverOf();
    const replica = await serverOf({ settings: [['replicaof', '127.0.0.1', String(master.port)]] });
    const port = await freePort();
    const sentinel = await SentinelProcess.start(program ?? '', port, master);
    open.push(sentinel);
    const { node, layer } = nodeOf({
      sentinel: { name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port }] },
      holdMs: 500,
    });
    await layer.ready();
    await node.join('room');
    await layer.publish('room', saved('before'));
    await expect
      .poll(async () => String(await replica.command('INFO', 'replication')))
      .toMatch(/master_link_status:up/);
    await sentinel.sees(1);
    await master.kill();

    await expect.poll(() => layer.health().status).toBe('down');
    await expect.poll(() => layer.health().status, { timeout: 60_000, interval: 100 }).toBe('up');
    await layer.publish('room', saved('after'));

    expect(node.texts('room')).toEqual(['before', 'after']);
    expect(node.misses.filter(({ what }) => what.saved)).toMatchObject([
      { group: 'room', what: { reason: 'restart' } },
    ]);
  });
});
