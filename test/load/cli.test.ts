import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelBoxError } from 'channelbox';
import { load, type RunReport } from 'channelbox/load';
import { FakeTerminal, progress, runLine } from './fake-terminal.ts';
import { reportFixture } from './report-fixture.ts';
import { openRoomServer } from './room-server.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'channelbox-cli-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('load', () => {
  test.each([
    ['pass', 0],
    ['fail', 1],
    ['invalid', 4],
  ] as const)('a run that ends with %s exits with %i and says so on standard output', async (verdict, code) => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    const { exitCode, calls } = await runLine(terminal, () => reportFixture({ verdict }));
    expect(exitCode).toBe(code);
    expect(terminal.results).toContain(verdict.toUpperCase());
    expect(calls[0]?.source).toBe('chat.ts');
  });

  test('the table tells clients, latencies, the ledger, closes, thresholds and reasons', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    await runLine(terminal, () => reportFixture({ verdict: 'fail' }));
    const words = terminal.results.replaceAll('\u202f', ' ');
    expect(words).toContain('200 of 200 connected');
    expect(words).toMatch(/fan-out, from the intended send +1\.4\d ms +\S+ ms/);
    expect(words).toMatch(/expected 59 810 +received 59 807 +indeterminate 212/);
    expect(words).toContain('lost 3');
    expect(words).toContain('lost: message 91 of client 17 in room-3, at client 140');
    expect(words).toContain('1000 × 150 (ended in order)');
    expect(words).toContain('✗ lost == 0  (3)');
    expect(words).toContain('lost is 3, allowed 0');
  });

  test('what a server sent cannot steer the terminal', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    const report = { ...reportFixture(), errors: [{ kind: 'close', count: 1, sample: '\u001b[2J\u0007gone' }] };
    await runLine(terminal, () => report);
    expect(terminal.results).toContain('\\x1b[2J\\x07gone');
    expect(terminal.results).not.toContain('\u001b');
  });

  test('a run whose scenario is wrong is a usage error that names the key', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    const { exitCode } = await runLine(terminal, () => {
      throw new ChannelBoxError('CHANNELBOX_SCENARIO_INVALID', 'clinets: there is no such key; did you mean clients?');
    });
    expect(exitCode).toBe(2);
    expect(terminal.notes).toContain('did you mean clients?');
    expect(terminal.results).toBe('');
  });

  test('a target that does not answer exits with 3', async () => {
    const terminal = new FakeTerminal(['load', 'ws://127.0.0.1:1']);
    const { exitCode } = await runLine(terminal, () => {
      throw new ChannelBoxError('CHANNELBOX_TARGET_UNREACHABLE', 'nothing answers at ws://127.0.0.1:1');
    });
    expect(exitCode).toBe(3);
    expect(terminal.notes).toContain('nothing answers');
  });

  test('a run that breaks off for a reason of our own proves nothing', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    const { exitCode } = await runLine(terminal, () => {
      throw new TypeError('planted');
    });
    expect(exitCode).toBe(4);
    expect(terminal.notes).toContain('planted');
  });

  test('--json writes one document and nothing else to standard output', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '--json']);
    const report = reportFixture();
    await runLine(terminal, () => report);
    expect(JSON.parse(terminal.results)).toEqual(report);
  });

  test('--ndjson writes a line for each step and the report last', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '--ndjson']);
    const report = reportFixture();
    await runLine(terminal, ({ options }) => {
      options.onProgress?.(progress(1));
      options.onProgress?.(progress(2));
      return report;
    });
    const lines = terminal.results
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => line['type'])).toEqual(['progress', 'progress', 'report']);
    expect(lines[1]).toMatchObject({ elapsedMs: 2_000, delivered: 2_000 });
    expect(lines[2]?.['report']).toEqual(report);
  });

  test('--quiet leaves standard error empty', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '-q'], { isInteractive: true });
    await runLine(terminal, ({ options }) => {
      options.onProgress?.(progress(1));
      return reportFixture();
    });
    expect(terminal.notes).toBe('');
    expect(terminal.results).toContain('PASS');
  });

  test('--html and --save write files that the report command reads, and the table ends with their paths', async () => {
    const page = join(folder, 'report.html');
    const json = join(folder, 'run.json');
    const terminal = new FakeTerminal(['load', 'chat.ts', '--html', page, '--save', json]);
    const report = reportFixture();
    await runLine(terminal, () => report);
    expect(terminal.results.trimEnd().split('\n').slice(-2)).toEqual([`report  ${json}`, `report  ${page}`]);
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual(report);
    for (const path of [page, json]) {
      const reader = new FakeTerminal(['report', path, '--json']);
      expect((await runLine(reader)).exitCode).toBe(0);
      expect(JSON.parse(reader.results)).toEqual(report);
    }
  });

  test('--rounds runs as often and keeps what each round measured', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '--rounds', '3', '--json']);
    const { calls } = await runLine(terminal, () => reportFixture({ seconds: 10 }));
    expect(calls).toHaveLength(3);
    const merged = JSON.parse(terminal.results) as RunReport;
    expect(merged.rounds).toHaveLength(3);
    expect(merged.rounds?.[0]).toMatchObject({
      p50: reportFixture().latency.fanout.p50,
      throughput: meanDelivered(reportFixture({ seconds: 10 })),
    });
    expect(merged.ledger.expected).toBe(3 * reportFixture().ledger.expected);
    expect(merged.latency.fanout.count).toBe(3 * reportFixture().latency.fanout.count);
    expect(merged.marks.filter((mark) => mark.what.startsWith('round')).map((mark) => mark.atMs)).toEqual([
      0, 10_000, 20_000,
    ]);
  });

  test('one invalid round makes all of them invalid', async () => {
    let runs = 0;
    const terminal = new FakeTerminal(['load', 'chat.ts', '--rounds', '3']);
    const { exitCode } = await runLine(terminal, () =>
      reportFixture({ verdict: ++runs === 2 ? 'invalid' : 'fail', seconds: 2 }),
    );
    expect(exitCode).toBe(4);
    expect(terminal.results).toContain('round 2: the generators waited');
  });
});

describe('Ctrl-C', () => {
  test('once drains, reports what there is and exits with 130', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    const { exitCode } = await runLine(terminal, ({ options }) => {
      expect(options.signal?.aborted).toBe(false);
      terminal.interrupt();
      expect(options.signal?.aborted).toBe(true);
      return reportFixture();
    });
    expect(exitCode).toBe(130);
    expect(terminal.aborts).toEqual([]);
    expect(terminal.notes).toContain('draining');
    expect(terminal.results).toContain('59\u202f810');
    expect(terminal.isListeningForInterrupts).toBe(false);
  });

  test('twice ends at once', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    await runLine(terminal, () => {
      terminal.interrupt();
      terminal.interrupt();
      return reportFixture();
    });
    expect(terminal.aborts).toEqual([130]);
  });

  test('between rounds begins no other', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '--rounds', '5', '--json']);
    const { exitCode, calls } = await runLine(terminal, () => {
      terminal.interrupt();
      return reportFixture({ seconds: 2 });
    });
    expect(exitCode).toBe(130);
    expect(calls).toHaveLength(1);
  });
});

describe('usage', () => {
  test.each([
    [['lod', 'chat.ts'], 'Did you mean load?'],
    [['load', 'chat.ts', '--clinets', '5'], 'Did you mean --clients?'],
    [['load', 'chat.ts', '--client', 'rew'], 'did you mean raw?'],
    [['load', 'chat.ts', '--adapter', 'chta'], 'did you mean chat?'],
    [['load', 'chat.ts', '--thresholds', 'fanuot.p99 < 5ms'], 'no metric "fanuot"'],
    [['load', 'chat.ts', '--clients', '1.5'], '--clients "1.5": a whole number from 1 is due'],
    [['load', 'chat.ts', '--duration', '5 minutes'], '--duration "5 minutes": a time is due'],
    [['load', 'chat.ts', '--target', 'http://x'], 'a WebSocket lives at ws:// on the same host and port: ws://x'],
    [['load', 'http://127.0.0.1:8000/chat'], 'ws://127.0.0.1:8000/chat'],
    [['load', 'chat.ts', '--duration', '10'], '--duration "10": a time needs its unit: 10s, 10ms or 10m'],
    [['load', 'chat.ts', '--rooms', 'zpif:5'], '--rooms "zpif:5"'],
    [['load', 'chat.ts', '--rate', '-1'], '--rate "-1"'],
    [['load', 'chat.ts', '--ramp', '5s'], '--ramp came without --clients'],
    [['load', 'chat.ts', '--clients', '5', '--rooms', '2', '--room-size', '2'], 'came together'],
    [['load'], 'nothing to run came'],
    [['load', 'chat.ts', 'another.ts'], 'too many arguments'],
    [['compare', 'chat.ts', '--target', 'ws://a'], 'two sides'],
    [['capacity', 'chat.ts', '--min', '10', '--max', '5'], 'nothing lies between'],
    [['capacity', 'chat.ts', '--by', 'rate', '--rate', 'burst:5:1s'], 'a constant or poisson rate is due'],
    [['report', '/no/such/file.json'], 'cannot be read'],
    [[], 'Usage: channelbox'],
  ])('%j exits with 2 and names what was due', async (words, due) => {
    const terminal = new FakeTerminal(words);
    const { exitCode } = await runLine(terminal);
    expect(exitCode).toBe(2);
    expect(terminal.notes).toContain(due);
    expect(terminal.results).toBe('');
  });

  test('a file that holds no report is told apart from one that is missing', async () => {
    const path = join(folder, 'other.json');
    for (const [text, problem] of [
      ['{"schema":2}', 'its schema is 2'],
      ['{"schema":1,"verdict":"pass"}', 'it lacks environment'],
      ['not json', 'it is no JSON'],
      ['<!doctype html><p>hello', 'a page without a report'],
      ['[]', 'its schema is missing'],
    ] as const) {
      await writeFile(path, text);
      const terminal = new FakeTerminal(['report', path]);
      expect((await runLine(terminal)).exitCode).toBe(2);
      expect(terminal.notes).toContain(problem);
    }
  });

  test('a stream of --ndjson is a report too', async () => {
    const path = join(folder, 'run.ndjson');
    await writeFile(path, `{"type":"progress"}\n${JSON.stringify({ type: 'report', report: reportFixture() })}\n`);
    const terminal = new FakeTerminal(['report', path, '--json']);
    expect((await runLine(terminal)).exitCode).toBe(0);
    expect(JSON.parse(terminal.results)).toEqual(reportFixture());
  });

  test('a file that cannot be written is told of', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '--html', join(folder, 'none', 'report.html')]);
    expect((await runLine(terminal)).exitCode).toBe(2);
    expect(terminal.notes).toContain('cannot be written');
  });

  test('help and version are results, not errors', async () => {
    for (const [words, text] of [
      [['--help'], 'Commands:'],
      [['load', '--help'], '[LOAD_CLIENTS]'],
      [['--version'], '1.2.3'],
    ] as const) {
      const terminal = new FakeTerminal(words);
      expect((await runLine(terminal)).exitCode).toBe(0);
      expect(terminal.results).toContain(text);
    }
  });

  test('a variable that looks mistyped is noted', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts'], { environment: { LOAD_CLEINTS: '5', LOAD_AVERAGE: '1' } });
    await runLine(terminal);
    expect(terminal.notes).toContain('LOAD_CLEINTS is no variable of channelbox; did you mean LOAD_CLIENTS?');
    expect(terminal.notes).not.toContain('LOAD_AVERAGE');
  });
});

describe('the live view', () => {
  test('where there is no terminal a plain line comes every 5 s, at each refusal and at the end', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts']);
    await runLine(terminal, ({ options }) => {
      options.onPlan?.({ clients: 300, plannedMs: 30_000 });
      for (let second = 1; second <= 12; second += 1) {
        terminal.now = second * 1_000;
        options.onProgress?.(progress(second, second < 7 ? {} : { refused: 2, dropped: 1 }));
      }
      return reportFixture();
    });
    const lines = terminal.notes.trimEnd().replaceAll('\u202f', ' ').split('\n');
    expect(lines).toEqual([
      'chat.ts',
      '0:05  clients 200 / 300  sent 500 (100/s)  delivered 5 000 (1 000/s)  missing 0',
      '0:07  refused 2  dropped 1',
      '0:10  clients 200 / 300  sent 1 000 (100/s)  delivered 10 000 (1 000/s)  missing 0',
      '0:12  the run is over',
    ]);
  });

  test('on a terminal a few lines are drawn over each other and taken away at the end', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts'], { isInteractive: true });
    await runLine(terminal, ({ options }) => {
      for (let second = 1; second <= 3; second += 1) options.onProgress?.(progress(second, { lost: 2 }));
      return reportFixture();
    });
    expect(screenOf(terminal.notes)).toEqual([]);
    expect(terminal.notes).toContain('delivered 1\u202f000/s');
    expect(terminal.notes).toContain('missing 2');
    expect(terminal.notes.split('\u001b[4A\u001b[0J')).toHaveLength(4);
  });

  test.each([
    ['the scenario says', '', '0:05 / 0:08', 'clients 4 / 4'],
    ['a flag says', ' --duration 10s', '0:05 / 0:10', 'clients 4 / 4'],
    ['flags say, as they say how many clients', ' --duration 7s --ramp 3s --clients 6', '0:05 / 0:10', 'clients 6 / 6'],
  ])('a bar tells how far it is of the length that %s', async (_, flags, time, clients) => {
    const file = new URL('./fixtures/echo.ts', import.meta.url).href;
    const terminal = new FakeTerminal(`load ${file} --inproc${flags}`.split(' '), { isInteractive: true });
    const { exitCode } = await runLine(terminal, ({ source, options }) => load(source, options));
    expect(exitCode).toBe(0);
    const drawn = terminal.notes.split('\n').filter((line) => line.includes(time.split(' ', 1)[0] as string));
    expect(drawn).toContainEqual(expect.stringMatching(new RegExp(`^━{24,}─{15,}  ${time}$`)));
    expect(terminal.notes).toContain(clients);
  });

  test('over the network a run tells its plan before it begins', async () => {
    await using server = await openRoomServer({ clients: 4 });
    const told: unknown[] = [];
    await load(
      { clients: 4, adapter: 'json', duration: '100ms', deadline: '100ms' },
      { target: server.url, onPlan: (plan) => void told.push(plan), onProgress: () => void told.push('progress') },
    );
    expect(told[0]).toEqual({ clients: 4, plannedMs: 100 });
    expect(told.filter((each) => each !== 'progress')).toHaveLength(1);
  });

  test('rates begin anew with each round', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '--rounds', '2'], { isInteractive: true });
    await runLine(terminal, ({ options }) => {
      for (let second = 1; second <= 3; second += 1) options.onProgress?.(progress(second));
      return reportFixture({ seconds: 3 });
    });
    expect([...terminal.notes.matchAll(/sent (\d+)\/s/g)].map(([, rate]) => rate)).toEqual(
      Array.from({ length: 7 }, () => '100'),
    );
  });

  test('--no-tui writes plain lines on a terminal too', async () => {
    const terminal = new FakeTerminal(['load', 'chat.ts', '--no-tui'], { isInteractive: true });
    await runLine(terminal, ({ options }) => {
      terminal.now = 5_000;
      options.onProgress?.(progress(5));
      return reportFixture();
    });
    expect(terminal.notes).not.toContain('\u001b');
    expect(terminal.notes).toContain('0:05');
  });
});

/** Without the first and the last second in which messages were sent, as these are not whole. */
function meanDelivered(report: RunReport): number {
  const delivered = report.series.filter((row) => (row['published'] ?? 0) > 0).map((row) => row['delivered'] ?? 0);
  const whole = delivered.slice(1, -1);
  return whole.reduce((sum, value) => sum + value, 0) / whole.length;
}

/** Lines that are left when the movements of the cursor have been followed. */
function screenOf(text: string): readonly string[] {
  const lines: string[] = [];
  for (const part of text.split(/(?=\u001b\[\d+A\u001b\[0J)/)) {
    const [sequence = '', up] = /^\u001b\[(\d+)A\u001b\[0J/.exec(part) ?? [];
    if (up !== undefined) lines.splice(lines.length - Number(up));
    lines.push(...part.slice(sequence.length).split('\n').slice(0, -1));
  }
  return lines;
}
