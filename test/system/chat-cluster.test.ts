import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort } from '../free-port.ts';
import { builtPackage } from '../package/packed-package.ts';
import { root } from '../package/run.ts';
import { requirement } from '../requirement.ts';

const redis = requirement('redis-server');

describe.skipIf(redis === undefined)('npm run chat:cluster', { timeout: 180_000 }, () => {
  let built: Promise<string> | undefined;
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    built ??= builtExamples();
    folder = mkdtempSync(join(tmpdir(), 'cluster-'));
    child = undefined;
  });
  afterEach(() => {
    child?.kill('SIGKILL');
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

  test('rehearsed: a rolling restart, a process killed, and nobody misses or doubles a message', async () => {
    const launcher = await start('--rehearse');
    const [output, errors, [code]] = await Promise.all([
      text(launcher.stdout as NodeJS.ReadableStream),
      text(launcher.stderr as NodeJS.ReadableStream),
      once(launcher, 'exit') as Promise<[number | null]>,
    ]);
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
});

/** The built package, and beside its examples what they serve. */
async function builtExamples(): Promise<string> {
  const folder = await builtPackage();
  const isServed = (path: string): boolean => !/node_modules|[.]ts$/.test(path);
  cpSync(join(root, 'examples'), join(folder, 'dist/examples'), { recursive: true, filter: isServed });
  return folder;
}
