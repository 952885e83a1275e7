import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Visitor } from '../examples/chat-visitor.ts';
import { freePort } from '../free-port.ts';
import { builtPackage } from '../package/packed-package.ts';
import { root } from '../package/run.ts';
import { RedisServer } from '../redis/redis-server.ts';
import { requirement } from '../requirement.ts';

const redis = requirement('redis-server');

describe.skipIf(redis === undefined)('npm run chat:cluster', { timeout: 180_000 }, () => {
  let built: Promise<string> | undefined;
  let folder: string;
  let child: ChildProcess | undefined;
  const processes: ChildProcess[] = [];

  beforeEach(() => {
    built ??= builtExamples();
    folder = mkdtempSync(join(tmpdir(), 'cluster-'));
    child = undefined;
  });
  afterEach(() => {
    for (const one of [...processes.splice(0), child]) one?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Its redis-server has its folder in there, for as long as it lives. */
  async function start(...more: string[]): Promise<ChildProcess> {
    const program = join((await built) ?? '', 'dist/examples/cluster/start.js');
    const args = [program, '--port', String(await freePort()), ...more];
    const { REDIS_URL: _, ...env } = process.env;
    child = spawn(process.execPath, args, { env: { ...env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
    return child;
  }

  test.each([
    ['SIGTERM', 'its Redis is there'],
    ['SIGTERM', 'it listens'],
    ['SIGKILL', 'its Redis is there'],
    ['SIGKILL', 'it listens'],
  ] as const)('leaves nothing behind: %s as soon as %s', async (signal, moment) => {
    const launcher = await start();
    const ended = once(launcher, 'exit');
    if (moment === 'it listens') await once(launcher.stdout as NodeJS.ReadableStream, 'data');
    else {
      const hasRedis = (): boolean => readdirSync(folder).some((name) => existsSync(join(folder, name, 'redis.sock')));
      // real time: another program starts
      await vi.waitUntil(hasRedis, { timeout: 60_000, interval: 5 });
    }
    launcher.kill(signal);
    await ended;
    // real time: its Redis ends, and clears up, when nobody holds it any more
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]), { timeout: 60_000, interval: 50 });
  });

  test('where its Redis has forgotten, two processes tell their pages, which come again to either and read on together', async () => {
    await using server = await RedisServer.start(redis ?? '');
    const program = join((await built) ?? '', 'dist/examples/cluster/server.js');
    const [one, other] = await Promise.all(
      [1, 2].map(async () => {
        const env = { ...process.env, PORT: '0', REDIS_URL: server.url };
        const served = spawn(process.execPath, [program], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
        processes.push(served);
        const [{ port }] = (await once(served, 'message')) as [{ port: number }];
        return `ws://127.0.0.1:${port}`;
      }),
    );
    const [ann, bob] = await Promise.all([enter(one, 'ann'), enter(other, 'bob')]);
    ann.visitor.say('before');
    const { position } = await bob.visitor.next('chat');
    await server.kill();
    await server.start();
    expect(await ann.visitor.next('reset')).toEqual({ type: 'reset' });
    expect(await bob.visitor.next('reset')).toEqual({ type: 'reset' });
    const [ann2, bob2] = await Promise.all([enter(other, 'ann', position), enter(one, 'bob', position)]);
    expect([ann2.history.recovered, bob2.history.recovered]).toEqual([false, false]);
    ann2.visitor.say('after');
    expect(await bob2.visitor.next('chat')).toMatchObject({ user: 'ann', message: 'after' });
  });

  test('rehearsed: a rolling restart, a process killed, and nobody misses or doubles a message', async () => {
    const { output, errors, code } = await endOf(await start('--rehearse'));
    const found = JSON.parse(/^\{.*\}$/m.exec(output)?.[0] ?? '{}') as Record<string, number>;
    expect({ ...found, code, output, errors }).toMatchObject({
      lost: 0,
      duplicated: 0,
      reordered: 0,
      misrouted: 0,
      code: 0,
    });
    expect(errors).toMatch(/ended with SIGKILL; another takes its place/);
    expect(found['received']).toBe(found['expected']);
    expect(found['expected']).toBeGreaterThan(1_000);
    expect(found['reconnected']).toBeGreaterThanOrEqual(60);
  });

  test('rehearsed without resume: who is away loses what is said meanwhile, who is there nothing, and the report says so', async () => {
    const { output, errors, code } = await endOf(await start('--rehearse', '--without-resume'));
    const { there, away } = JSON.parse(/^\{.*\}$/m.exec(output)?.[0] ?? '{}') as Record<string, Record<string, number>>;
    const unharmed = { duplicated: 0, reordered: 0, misrouted: 0, dropped: 0, refused: 0 };
    expect({ ...there, code, output, errors }).toMatchObject({ ...unharmed, lost: 0, code: 0 });
    expect(away).toMatchObject({ ...unharmed, lost: (away?.['expected'] ?? 0) - (away?.['received'] ?? 0) });
    expect(there?.['expected']).toBeGreaterThan(500);
    expect(away?.['lost']).toBeGreaterThan(0);
    expect(output).toContain(`lost ${away?.['lost']} of ${away?.['expected']}`);
  });
});

function enter(address = '', username = '', since?: string): ReturnType<typeof Visitor.enter> {
  return Visitor.enter(address, { room: 'r', username, ...(since === undefined ? {} : { since }) });
}

async function endOf(launcher: ChildProcess): Promise<{ output: string; errors: string; code: number | null }> {
  const [output, errors, [code]] = await Promise.all([
    text(launcher.stdout as NodeJS.ReadableStream),
    text(launcher.stderr as NodeJS.ReadableStream),
    once(launcher, 'exit') as Promise<[number | null]>,
  ]);
  return { output, errors, code };
}

/** The built package, and beside its examples what they serve. */
async function builtExamples(): Promise<string> {
  const folder = await builtPackage();
  const isServed = (path: string): boolean => !/node_modules|[.]ts$/.test(path);
  cpSync(join(root, 'examples'), join(folder, 'dist/examples'), { recursive: true, filter: isServed });
  return folder;
}
