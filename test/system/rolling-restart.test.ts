import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { constant, load, uniform } from 'channelbox/load';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../free-port.ts';
import { root } from '../package/run.ts';
import { RedisServer } from '../redis/redis-server.ts';
import { requirement } from '../requirement.ts';
import { nginxArguments } from './proxy-configuration.ts';

const nginx = requirement('nginx');
const redis = requirement('redis-server');
const clients = 20;
const children: ChildProcess[] = [];

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

describe.skipIf(nginx === undefined || redis === undefined)('a rolling restart', { timeout: 240_000 }, () => {
  test('of two processes behind nginx: everybody is back within 10 s, and nothing saved is lost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rolling-'));
    onTestFinished(async () => {
      await Promise.all(children.map(end));
      rmSync(folder, { recursive: true, force: true });
    });
    await using server = await RedisServer.start(redis ?? '');
    const ports = { front: await freePort(), backs: [await freePort(), await freePort()] };
    const program = await built();
    const start = async (port: number): Promise<ChildProcess> => {
      const env = { ...process.env, PORT: String(port), REDIS_URL: server.url };
      const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      await once(child.stdout, 'data');
      return child;
    };
    const nodes = await Promise.all(ports.backs.map(start));
    children.push(spawn(nginx ?? '', nginxArguments(folder, ports), { stdio: 'ignore' }));
    const url = `http://127.0.0.1:${ports.front}/`;
    const answers = (): Promise<boolean> =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      );
    // real time: another program starts
    await vi.waitUntil(answers, { timeout: 60_000, interval: 100 });

    let elapsedMs = 0;
    const enough = new AbortController();
    const running = load(
      {
        target: url.replace('http', 'ws'),
        adapter: 'channelbox',
        clients,
        rooms: uniform(5),
        schedule: constant(1),
        duration: '100s',
        deadline: '5s',
        reconnects: { backoff: '500ms' },
      },
      { signal: enough.signal, onProgress: (progress) => (elapsedMs = progress.elapsedMs) },
    );
    // real time: the load has to be under way
    await vi.waitUntil(() => elapsedMs > 3_000, { timeout: 40_000, interval: 50 });
    for (const [at, port] of ports.backs.entries()) {
      await end(nodes[at] as ChildProcess);
      nodes[at] = await start(port);
      // real time: those who were sent away come back before the next is asked to go
      const until = elapsedMs + 2_500;
      await vi.waitUntil(() => elapsedMs > until, { timeout: 60_000, interval: 50 });
    }
    enough.abort();
    const report = await running;

    const { clients: counted, reconnects } = report;
    console.log(`${counted.reconnected} returns of ${clients} clients, the slowest after ${reconnects?.all} ms`);
    // On a machine that is busy with other things the run may be invalid, and then says so.
    expect(report.verdict, 'reasons' in report ? report.reasons.join('; ') : '').not.toBe('fail');
    expect(report.ledger).toMatchObject({ lost: 0, duplicated: 0, reordered: 0, misrouted: 0 });
    expect(report.ledger.expected).toBeGreaterThan(100);
    expect(report.ledger.received).toBe(report.ledger.expected);
    expect(report.clients).toMatchObject({ dropped: 0, refused: 0 });
    // Each was on one of the two; whoever came to the second before its turn was sent away twice.
    expect(report.clients.reconnected).toBeGreaterThanOrEqual(clients);
    expect(report.reconnects?.all).toBeLessThan(10_000);
  });
});

async function built(): Promise<string> {
  // Inside the checkout, so that packages are found; ignored by git.
  const folder = join(root, 'artifacts', `feed-node-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, 'feed-node.mjs');
  await build({
    entryPoints: [join(root, 'test/system/feed-node.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { 'channelbox/redis': join(root, 'src/redis.ts'), channelbox: join(root, 'src/index.ts') },
    external: ['ws', '@redis/client'],
    logLevel: 'silent',
  });
  return outfile;
}
