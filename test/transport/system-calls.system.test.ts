import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { WebSocket as Client } from 'ws';
import { requirement } from '../requirement.ts';
import { Listener } from './broadcast-server.ts';

const strace = requirement('strace');
const members = 50;
const turns = 10;
const program = fileURLToPath(new URL('burst-server.ts', import.meta.url));

test.skipIf(strace === undefined).each([1, 20])(
  'the kernel is called once for each member and turn, whether one message is sent or %i',
  async (burst) => {
    const folder = await mkdtemp(join(tmpdir(), 'channelbox-strace-'));
    try {
      const bundle = join(folder, 'server.mjs');
      await build({ entryPoints: [program], outfile: bundle, bundle: true, platform: 'node', format: 'esm', banner });
      const trace = join(folder, 'trace');
      const server = spawn(strace as string, [
        ...['-f', '-yy', '-s', '16', '-e', 'trace=write,writev,sendto,sendmsg', '-o', trace],
        ...[process.execPath, bundle, `${members}`, `${turns}`, `${burst}`],
      ]);
      const port = await new Promise<number>((resolve, reject) => {
        server.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
        server.once('error', reject);
      });
      const hasEnded = new Promise<void>((resolve) => {
        server.stderr.on('data', (text: Buffer) => {
          if (text.includes('end\n')) resolve();
        });
      });
      const listeners = Array.from({ length: members }, () => new Listener(new Client(`ws://127.0.0.1:${port}/`)));
      await Promise.all(listeners.map((listener) => listener.has(turns * burst)));
      await hasEnded;
      const ended = new Promise((resolve) => server.once('close', resolve));
      server.stdin.end('end\n');
      await ended;
      expect(callsBetweenMarks(await readFile(trace, 'utf8')) / members / turns).toBeLessThanOrEqual(1.05);
      expect(listeners.every(({ received }) => received.length === turns * burst)).toBe(true);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  30_000,
);

/** ws is CommonJS and asks for Node's modules by `require`. */
const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };

/** Calls that wrote to a TCP socket, from the program's first mark on standard error to its second. */
function callsBetweenMarks(trace: string): number {
  const lines = trace.split('\n');
  const begin = lines.findIndex((line) => line.includes('"begin\\n"'));
  const end = lines.findIndex((line) => line.includes('"end\\n"'));
  expect(begin).toBeGreaterThan(0);
  expect(end).toBeGreaterThan(begin);
  const calls = lines.slice(begin, end).filter((line) => /\b(write|writev|sendto|sendmsg)\(\d+<TCP/.test(line)).length;
  expect(calls).toBeGreaterThanOrEqual(members * turns);
  return calls;
}
