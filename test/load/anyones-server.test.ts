import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { load, uniform, type RunReport } from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { createChat } from '../../examples/chat/chat.ts';
import { requirement } from '../requirement.ts';

const scenarios = new URL('../../load/scenarios/', import.meta.url);
const clean = { lost: 0, duplicated: 0, reordered: 0, misrouted: 0, corrupt: 0, late: 0 };

/** Runs a scenario of the package, shortened, against a server that prints its address and ends with its input. */
async function against(command: readonly string[], scenario: string, client: 'raw' | 'ws'): Promise<RunReport> {
  const [program = '', ...words] = command;
  const server = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [target] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    return await load(new URL(scenario, scenarios), {
      client,
      target,
      processes: 1,
      overrides: { duration: '2s', thresholds: [] },
    });
  } finally {
    const exit = once(server, 'exit');
    server.stdin.end();
    await exit;
  }
}

function expectClean(report: RunReport): void {
  expect(report.clients).toEqual({ intended: 100, connected: 100, refused: 0, dropped: 0, peak: 100 });
  expect(report.ledger).toMatchObject(clean);
  expect(report.ledger.received).toBe(report.ledger.expected);
  expect(report.ledger.expected).toBeGreaterThan(800);
}

/** npm ci in load/bench/compare installs it; the package itself does without. */
function hasSocketIo(): boolean {
  try {
    createRequire(new URL('../../load/bench/compare/package.json', import.meta.url)).resolve('socket.io');
    return true;
  } catch {
    process.stderr.write('left out: tests that need socket.io; to run them, npm ci in load/bench/compare\n');
    return false;
  }
}

const python = requirement('python3-websockets');

describe.concurrent("anyone's server is accounted for", () => {
  for (const client of ['raw', 'ws'] as const) {
    test.runIf(hasSocketIo())(`Socket.IO, past its ping timeout (${client})`, { timeout: 30_000 }, async () => {
      const server = fileURLToPath(new URL('servers/socket-io.mjs', scenarios));
      // Whoever does not answer a ping is closed after 0.9 s.
      expectClean(await against(['node', server, '0', '400', '500'], 'socket-io.ts', client));
    });

    test.runIf(python !== undefined)(`Python's websockets (${client})`, { timeout: 30_000 }, async () => {
      const server = fileURLToPath(new URL('servers/websockets_rooms.py', scenarios));
      expectClean(await against([python as string, server], 'python-websockets.ts', client));
    });

    test(`the chat server (${client})`, { timeout: 30_000 }, async () => {
      await using app = createChat({ rateLimit: false });
      const { port } = await app.listen(0);
      const target = `ws://127.0.0.1:${port}`;
      const overrides = {
        clients: 100,
        duration: '2s',
        warmup: 0,
        thresholds: [],
        speakers: 1,
        rooms: uniform(10),
      } as const;
      expectClean(await load(new URL('chat.ts', scenarios), { client, target, processes: 2, overrides }));
    });
  }
});
