import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from 'channelbox/load';
import { exitCodes } from '../../load/command/command-context.ts';
import { reportIn } from '../../load/report/file.ts';
import { builtKit, type BuiltKit } from './built-kit.ts';
import { openRoomServer } from './room-server.ts';

let kit: BuiltKit;
let scenario = '';
beforeAll(async () => {
  kit = await builtKit();
  ({ scenario } = kit);
});
afterAll(async () => {
  await kit[Symbol.asyncDispose]();
});

/** Short, since a process takes its time to start as it is. */
const brief = ['--duration', '500ms'];

/** Of the lines of progress the first that says so of all 24: one before may come while the last still join. */
const allJoined = /"connected":24,"published":[1-9]/;

describe.concurrent('the command as a process', () => {
  test('runs a scenario against a server and ends with the verdict, results apart from progress', async ({
    expect,
  }) => {
    await using server = await openRoomServer({ clients: 24 });
    const page = join(kit.folder, 'report.html');
    const run = start(['load', scenario, '--target', server.url, ...brief, '--json', '--html', page]);
    const code = await run.end();
    const report = JSON.parse(run.results()) as RunReport;
    // On a machine that is busy with other things the run may be invalid, and then says so.
    expect([0, 4]).toContain(code);
    expect(code).toBe(exitCodes[report.verdict]);
    expect(report).toMatchObject({ scenario: 'rooms', clients: { connected: 24, refused: 0 }, ledger: { lost: 0 } });
    expect(report.ledger.expected).toBeGreaterThan(500);
    expect(run.notes()).toContain(`report  ${page}`);
    expect(reportIn(await readFile(page, 'utf8'), page)).toEqual(report);
  });

  test('ends with 1 where the server sends a message twice, however busy the machine is', async () => {
    await using server = await openRoomServer({
      clients: 24,
      fault: (delivery) => (delivery === 50 ? 'duplicate' : undefined),
    });
    const run = start(['load', scenario, '--target', server.url, ...brief, '-q']);
    expect(await run.end()).toBe(1);
    expect(run.results()).toContain('duplicated is 1, and must be 0');
    expect(run.notes()).toBe('');
  });

  test('ends with 3 where nobody answers, with 2 where the scenario has no such key or file', async () => {
    const [nobody, noFile, noFlag] = await Promise.all(
      [
        ['load', scenario, '--target', 'ws://127.0.0.1:9'],
        ['load', './no-such.load.ts'],
        ['load', scenario, '--sed', '1'],
      ].map(async (words) => {
        const run = start(words);
        return { code: await run.end(), notes: run.notes() };
      }),
    );
    expect(nobody).toMatchObject({ code: 3 });
    expect(noFile).toMatchObject({ code: 2 });
    expect(noFile?.notes).toContain('no-such.load.ts');
    expect(noFlag).toMatchObject({ code: 2 });
    expect(noFlag?.notes).toContain('Did you mean --seed?');
  });

  test('drains at the first Ctrl-C and reports what there is', async () => {
    await using server = await openRoomServer({ clients: 24 });
    const run = start([
      'load',
      scenario,
      '--target',
      server.url,
      '--duration',
      '1m',
      '--deadline',
      '200ms',
      '--ndjson',
    ]);
    await run.until(allJoined);
    run.process.kill('SIGINT');
    expect(await run.end()).toBe(130);
    const last = JSON.parse(run.results().trimEnd().split('\n').at(-1) ?? '') as { type: string; report: RunReport };
    expect(last.type).toBe('report');
    expect(last.report.clients.connected).toBe(24);
    expect(run.notes()).toContain('draining');
  });

  test('drains at SIGTERM to its whole process group, and reports what there is', async () => {
    await using server = await openRoomServer({ clients: 24 });
    const words = ['load', scenario, '--target', server.url, '--duration', '1m', '--deadline', '200ms', '--ndjson'];
    const run = start(words, { detached: true });
    await run.until('"delivered":');
    process.kill(-(run.process.pid as number), 'SIGTERM');
    expect(await run.end()).toBe(130);
    const last = JSON.parse(run.results().trimEnd().split('\n').at(-1) ?? '') as { type: string; report: RunReport };
    expect(last.type).toBe('report');
    expect(last.report.clients.connected).toBeGreaterThan(0);
  });

  test('a generator that fails says why, and not that a pipe was broken', async () => {
    const file = join(kit.folder, 'dies.ts');
    await writeFile(
      file,
      `import { defineLoad } from 'channelbox/load';
       setTimeout(() => { throw new RangeError('no such planet'); }, 1_500);
       export default defineLoad({ clients: 2, adapter: 'json', duration: '1m' });`,
    );
    await using server = await openRoomServer();
    const run = start(['load', file, '--target', server.url]);
    expect(await run.end()).toBe(4);
    expect(run.notes()).toContain('no such planet');
    expect(run.notes()).not.toContain('EPIPE');
  });

  test('ends at once at the second Ctrl-C, and leaves no generator behind', async () => {
    // Nothing is received in time, so that the drain would take the whole deadline.
    const closings: Promise<unknown>[] = [];
    await using server = await openRoomServer({
      clients: 24,
      fault: () => 'drop',
      onConnection: (socket) => void closings.push(once(socket, 'close')),
    });
    const words = ['load', scenario, '--target', server.url, '--duration', '1m', '--deadline', '1m', '--ndjson'];
    const run = start(words);
    await run.until(allJoined);
    run.process.kill('SIGINT');
    await run.until('draining');
    run.process.kill('SIGINT');
    expect(await run.end()).toBe(130);
    expect(run.results()).not.toContain('"report"');
    expect(closings).toHaveLength(24);
    await Promise.all(closings);
  });

  test('a reader that goes away is no failure', async () => {
    const run = start(['load', '--help']);
    run.process.stdout?.destroy();
    expect(await run.end()).toBe(0);
  });
});

interface Run {
  readonly process: ChildProcess;
  results(): string;
  notes(): string;
  /** Resolves once a text has been written to either stream. */
  until(text: string | RegExp): Promise<void>;
  end(): Promise<number | null>;
}

function start(words: readonly string[], options: { readonly detached?: boolean } = {}): Run {
  const child = spawn(process.execPath, [kit.cli, ...words], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const written = { results: '', notes: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.results += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.notes += text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    process: child,
    results: () => written.results,
    notes: () => written.notes,
    async until(text) {
      while (`${written.results}${written.notes}`.search(text) < 0) {
        await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), closed]);
        if (child.exitCode !== null) throw new Error(`ended without writing ${String(text)}: ${written.notes}`);
      }
    },
    async end() {
      const [code] = await closed;
      return code;
    },
  };
}
