import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  constant,
  load,
  uniform,
  type Duration,
  type RunReport,
  type Scenario,
  type ScenarioOverrides,
} from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { createChat } from '../../examples/chat/chat.ts';
import { requirement } from '../requirement.ts';
import { builtKit } from './built-kit.ts';

const scenarios = new URL('../../load/scenarios/', import.meta.url);
/** Rooms of ten, with fifty messages a second each. */
const few = {
  clients: 40,
  rooms: uniform(4),
  schedule: constant(5),
  speakers: 1,
  warmup: 0,
  // Nothing is late because the machine is busy; a run that has received everything does not wait for it.
  deadline: '20s',
  thresholds: [],
} satisfies ScenarioOverrides;
/** As long as the longest beside it: who is starved of CPU may take seconds until everybody has joined. */
const duration: Duration = '6s';
const clean = { lost: 0, duplicated: 0, reordered: 0, misrouted: 0, corrupt: 0, late: 0 };

interface Against {
  readonly client: 'raw' | 'ws';
  readonly duration: Duration;
}

/** Runs a scenario of the package, shortened, against a server that prints its address and ends with its input. */
async function against(command: readonly string[], name: string, options: Against): Promise<RunReport> {
  const [program = '', ...words] = command;
  const server = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [target] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    // In this process: that generators import a scenario by its path is tested with the chat server below.
    const { default: scenario } = (await import(new URL(name, scenarios).href)) as { readonly default: Scenario };
    const { client, duration } = options;
    return await load(scenario, { client, target, overrides: { ...few, duration } });
  } finally {
    const exit = once(server, 'exit');
    server.stdin.end();
    await exit;
  }
}

function expectClean(report: RunReport): void {
  expect(report.clients).toEqual({ intended: 40, connected: 40, refused: 0, dropped: 0, reconnected: 0, peak: 40 });
  expect(report.ledger).toMatchObject(clean);
  expect(report.ledger.received).toBe(report.ledger.expected);
  expect(report.ledger.expected).toBeGreaterThan(100);
}

const python = requirement('python3-websockets');

describe.concurrent("anyone's server is accounted for", () => {
  for (const client of ['raw', 'ws'] as const) {
    test(`Socket.IO, past its ping timeout (${client})`, async () => {
      const server = fileURLToPath(new URL('servers/socket-io.mjs', scenarios));
      // Whoever does not answer the first ping is closed after 5.3 s; who is starved of CPU has 5 s to answer.
      const command = ['node', server, '0', '300', '5000'];
      expectClean(await against(command, 'socket-io.ts', { client, duration }));
    });

    test.skipIf(python === undefined)(`Python's websockets (${client})`, async () => {
      const server = fileURLToPath(new URL('servers/websockets_rooms.py', scenarios));
      expectClean(await against([python as string, server], 'python-websockets.ts', { client, duration }));
    });

    test(`the chat server (${client})`, async () => {
      await using kit = await builtKit();
      await using app = createChat({ rateLimit: false });
      const { port } = await app.listen(0);
      const target = `ws://127.0.0.1:${port}`;
      const overrides = { ...few, duration };
      // A path, so that two processes import it: built ones, which begin in a fraction of the time.
      expectClean(await kit.load(new URL('chat.ts', scenarios), { client, target, processes: 2, overrides }));
    });
  }
});
