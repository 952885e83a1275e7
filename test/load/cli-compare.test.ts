import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from 'channelbox/load';
import type { Comparison } from '../../load/result/compare.ts';
import { htmlReport } from '../../load/report/page/html.ts';
import { FakeTerminal, progress, runLine, type LoadCall } from './fake-terminal.ts';
import { reportFixture } from './report-fixture.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'channelbox-compare-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('two files', () => {
  test('with the same rounds show no difference and exit with 0', async () => {
    const path = await file('same.json', reportFixture({ rounds: roundsAt(1) }));
    const terminal = new FakeTerminal(['compare', path, path]);
    expect((await runLine(terminal)).exitCode).toBe(0);
    expect(terminal.results).toContain('NO DIFFERENCE');
  });

  test('of which the second is 20 % slower are a regression, with intervals, and exit with 5', async () => {
    const before = await file('before.json', reportFixture({ rounds: roundsAt(1) }));
    const after = await file('after.json', reportFixture({ rounds: roundsAt(1.2) }));
    const terminal = new FakeTerminal(['compare', before, after]);
    expect((await runLine(terminal)).exitCode).toBe(5);
    const words = terminal.results.replaceAll('\u202f', ' ');
    expect(words).toContain('REGRESSION');
    expect(words).toMatch(/p50 +9\.99 ms +12 ms +\+20\.0 %/);
    expect(words).toMatch(/\+19\.\d % … \+20\.\d %/);
    expect(words).toContain('did not take turns');
  });

  test('of which the second is faster exit with 0', async () => {
    const before = await file('slow.json', reportFixture({ rounds: roundsAt(1.3) }));
    const after = await file('fast.json', reportFixture({ rounds: roundsAt(1) }));
    const terminal = new FakeTerminal(['compare', before, after]);
    expect((await runLine(terminal)).exitCode).toBe(0);
    expect(terminal.results).toContain('BETTER');
  });

  test('without rounds decide nothing and exit with 4', async () => {
    const path = await file('single.json', reportFixture());
    const terminal = new FakeTerminal(['compare', path, path]);
    expect((await runLine(terminal)).exitCode).toBe(4);
    expect(terminal.results).toContain('UNDECIDED');
    expect(terminal.results).toContain('--rounds 12');
  });

  test('may be report pages', async () => {
    const page = join(folder, 'page.html');
    await writeFile(page, htmlReport(reportFixture({ rounds: roundsAt(1) })));
    const slower = await file('slower.json', reportFixture({ rounds: roundsAt(1.5) }));
    const terminal = new FakeTerminal(['compare', page, slower, '--json']);
    expect((await runLine(terminal)).exitCode).toBe(5);
    const result = JSON.parse(terminal.results) as Comparison & { schema: number; names: string[] };
    expect(result).toMatchObject({ schema: 1, names: [page, slower], verdict: 'regression', rounds: 12 });
    expect(result.metrics.map((metric) => metric.metric)).toEqual(['p50', 'p99', 'throughput']);
  });
});

describe('two sides that take turns', () => {
  test('are the two targets of one scenario', async () => {
    const terminal = new FakeTerminal([...'compare chat.ts --target ws://a --target ws://b --rest 0s'.split(' ')]);
    const { exitCode, calls } = await runLine(terminal, slowSide('ws://b', 1.4));
    expect(exitCode).toBe(5);
    expect(calls).toHaveLength(24);
    expect(calls.every((call) => call.source === 'chat.ts')).toBe(true);
    expect(calls.filter((call) => call.options.target === 'ws://a')).toHaveLength(12);
    expect(terminal.results).toContain('first   ws://a');
    expect(terminal.notes).toContain('round 12 of 12');
  });

  test('are two addresses', async () => {
    const terminal = new FakeTerminal([...'compare ws://a ws://b --clients 20 --rest 0s --rounds 13'.split(' ')]);
    const { exitCode, calls } = await runLine(terminal, () => reportFixture({ seconds: 4 }));
    expect(exitCode).toBe(0);
    expect(calls).toHaveLength(26);
    expect(new Set(calls.map((call) => call.source))).toEqual(new Set(['ws://a', 'ws://b']));
    expect(calls[0]?.options.overrides).toEqual({ clients: 20 });
  });

  test('keep reports whose rounds took turns, so that the files can be compared again', async () => {
    const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')];
    const line = `compare chat.ts --target ws://a --target ws://b --rest 0s --save ${a} --save ${b}`.split(' ');
    await runLine(new FakeTerminal(line), slowSide('ws://b', 1.4));
    const terminal = new FakeTerminal(['compare', a, b]);
    expect((await runLine(terminal)).exitCode).toBe(5);
    expect(terminal.results).not.toContain('did not take turns');
    expect((JSON.parse(await readFile(b, 'utf8')) as RunReport).rounds).toHaveLength(12);
  });

  test('of which only the second loses messages exit with 1, though it is not slower', async () => {
    const terminal = new FakeTerminal([...'compare chat.ts --target ws://a --target ws://b --rest 0s'.split(' ')]);
    const { exitCode } = await runLine(terminal, ({ options }) =>
      reportFixture({ seconds: 4, verdict: options.target === 'ws://b' ? 'fail' : 'pass' }),
    );
    expect(exitCode).toBe(1);
    expect(terminal.results).toContain('rounds of the second side failed');
  });

  test('interrupted in the middle exit with 130 and tell what there is', async () => {
    const terminal = new FakeTerminal([...'compare chat.ts --target ws://a --target ws://b --rest 0s'.split(' ')]);
    let runs = 0;
    const { exitCode } = await runLine(terminal, ({ options }) => {
      options.onProgress?.(progress(1));
      runs += 1;
      if (runs === 7) terminal.interrupt();
      return reportFixture({ seconds: 4 });
    });
    expect(exitCode).toBe(130);
    expect(runs).toBe(7);
    expect(terminal.results).toContain('3 pairs of rounds');
  });

  test('stream each round with --ndjson', async () => {
    const terminal = new FakeTerminal([
      ...'compare chat.ts --target ws://a --target ws://b --rest 0s --rounds 12 --ndjson'.split(' '),
    ]);
    await runLine(terminal, () => reportFixture({ seconds: 4 }));
    const types = terminal.results
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual([...Array.from({ length: 12 }, () => 'round'), 'comparison']);
  });
});

/** Twelve rounds around 10 ms, 40 ms and 1000/s, the same noise for every factor. */
function roundsAt(factor: number): readonly Readonly<Record<string, number>>[] {
  return Array.from({ length: 12 }, (_, index) => {
    const noise = 1 + (((index * 7) % 12) - 6) / 400 + (factor === 1 ? 0 : ((index % 3) - 1) / 300);
    return { p50: 10 * factor * noise, p99: 40 * factor * noise, throughput: 1_000 * noise };
  });
}

function slowSide(target: string, slowdown: number): (call: LoadCall) => RunReport {
  return ({ options }) => reportFixture({ seconds: 4, slowdown: options.target === target ? slowdown : 1 });
}

async function file(name: string, report: RunReport): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(report));
  return path;
}
