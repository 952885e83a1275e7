import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { availableParallelism } from 'node:os';
import { constant, load, uniform, type RunReport, type Scenario } from 'channelbox/load';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { builtKit, type BuiltKit } from './built-kit.ts';
import { openRoomServer } from './room-server.ts';

let kit: BuiltKit;
beforeAll(async () => {
  kit = await builtKit();
});
afterAll(async () => {
  await kit[Symbol.asyncDispose]();
});

const scenario: Scenario = {
  clients: 40,
  rooms: uniform(4),
  schedule: constant(20),
  duration: '1s',
  deadline: '10s',
  adapter: 'json',
  thresholds: ['fanout.p99 < 50ms'],
};

type Told = RunReport & { readonly reasons: readonly string[] };

/** A test's processes; they end with it. */
class Processes {
  readonly #children: ChildProcess[] = [];

  start(command: readonly string[]): ChildProcess {
    const [program = '', ...words] = command;
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    return child;
  }

  /** Eats one core, for ten seconds at most; resolves once it does. */
  async hog(core: number): Promise<void> {
    const program = 'console.log("hog"); const end = Date.now() + 10_000; while (Date.now() < end);';
    await linesOf(this.start(['taskset', '-c', String(core), 'node', '-e', program])).next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
  }
}

/** What a process writes; throws where it ends in place of a line. */
function linesOf(child: ChildProcess): { next(): Promise<string> } {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return {
    async next() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the process ended without a word');
      return value;
    },
  };
}

/** The report of a generator process, which begins once it is loaded and `meanwhile` is over. */
async function reportOf(generator: ChildProcess, meanwhile = async (): Promise<void> => {}): Promise<Told> {
  const lines = linesOf(generator);
  await lines.next();
  await meanwhile();
  generator.stdin?.write('go\n');
  return JSON.parse(await lines.next()) as Told;
}

/** A load from a process on one core, beside hogs; of a server that is stopped for most of the time, or not. */
async function starved(which: 'generator' | 'server'): Promise<Told> {
  await using processes = new Processes();
  const server = processes.start(['node', kit.program('serve-rooms')]);
  const target = await linesOf(server).next();
  // Long enough for the server to stop a few times, each for longer than a busy machine keeps a generator waiting.
  const run = { ...scenario, target, ...(which === 'server' && { duration: '3s' }) };
  const words = [kit.program('run-load'), JSON.stringify(run), JSON.stringify({ client: 'raw' })];
  const pin = which === 'generator' ? ['taskset', '-c', '1'] : [];
  const generator = processes.start([...pin, 'node', ...words]);
  if (which === 'generator') {
    return await reportOf(
      generator,
      async () => void (await Promise.all([1, 1, 1, 1].map((core) => processes.hog(core)))),
    );
  }
  let isStopped = false;
  const toggle = setInterval(() => {
    isStopped = !isStopped;
    server.kill(isStopped ? 'SIGSTOP' : 'SIGCONT');
  }, 500);
  try {
    return await reportOf(generator);
  } finally {
    clearInterval(toggle);
  }
}

const canPin = availableParallelism() >= 2 && requirement('taskset') !== undefined;

describe('a shortage of the generator makes the run invalid, with the cause and the advice', () => {
  // left out: where there is no second core to keep free, or nothing to pin a process with
  test.skipIf(!canPin)('of CPU; a starved server is not blamed on the generator', async () => {
    const generator = await starved('generator');
    expect(generator.verdict).toBe('invalid');
    expect(generator.generator['cpuWait']).toBeGreaterThan(0.25);
    expect(generator.reasons.join()).toMatch(/waited for a CPU .* use fewer clients, more cores or another machine/);

    const server = await starved('server');
    expect(server.latency.fanoutFromSend.p99).toBeGreaterThan(50);
    expect(server.generator['cpuWait']).toBeLessThan(generator.generator['cpuWait'] as number);
    expect(server.generator['latenessP99Ms']).toBeLessThan(server.latency.fanoutFromSend.p99);
    expect(server.reasons.join()).toContain('fanout.p99 < 50ms is broken');
  });

  test('of descriptors', async () => {
    await using server = await openRoomServer();
    await using processes = new Processes();
    const many = { ...scenario, clients: 300, duration: '300ms', target: server.url };
    const command = ['node', kit.program('run-load'), JSON.stringify(many), '{}'].map((word) => `'${word}'`).join(' ');
    const report = await reportOf(processes.start(['sh', '-c', `ulimit -n 150; exec ${command}`]));
    expect(report.verdict).toBe('invalid');
    expect(report.reasons.join()).toMatch(/failed with EMFILE: .*ulimit -n/);
    expect(report.clients.refused).toBeGreaterThan(150);
    expect(report.clients.intended).toBe(300);
  });

  for (const client of ['raw', 'ws'] as const) {
    test(`of source addresses and ports (${client})`, async () => {
      await using server = await openRoomServer();
      // An address of the documentation's range, which no machine has: binding it fails as it does when all its ports are taken.
      const report = await load(
        { ...scenario, duration: '2s', target: server.url },
        { client, localAddresses: ['192.0.2.1'] },
      );
      expect(report.verdict).toBe('invalid');
      expect(report.verdict === 'invalid' && report.reasons.join()).toMatch(
        /[1-9]\d* connects failed with EADDRNOTAVAIL: .*--local-ip/,
      );
      expect(report.clients).toMatchObject({ intended: 40, connected: 0, refused: 40 });
    });
  }
});
