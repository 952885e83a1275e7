import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import parsePrometheus from 'parse-prometheus-text-format';
import { describe, expect, test } from 'vitest';
import { junitReport } from '../../load/report/junit.ts';
import { markdownReport } from '../../load/report/markdown.ts';
import { openMetricsReport } from '../../load/report/openmetrics.ts';
import { FakeTerminal, runLine } from './fake-terminal.ts';
import { reportFixture } from './report-fixture.ts';

interface JunitCase {
  readonly '@name': string;
  readonly failure?: { readonly '@message': string };
  readonly error?: { readonly '@message': string };
}

function junitCases(text: string): { readonly suite: Record<string, string>; readonly cases: readonly JunitCase[] } {
  expect(XMLValidator.validate(text)).toBe(true);
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@' });
  const { testsuites } = parser.parse(text) as {
    testsuites: { testsuite: Record<string, string> & { testcase: readonly JunitCase[] } };
  };
  return { suite: testsuites.testsuite, cases: testsuites.testsuite.testcase };
}

describe('JUnit, read by a parser of XML', () => {
  test('has a case for the verdict, each threshold and each counter that must be 0', () => {
    const { suite, cases } = junitCases(junitReport(reportFixture()));
    expect(suite).toMatchObject({ '@name': 'chat under storm', '@tests': '9', '@failures': '0', '@errors': '0' });
    expect(cases.map((entry) => entry['@name'])).toEqual([
      'verdict',
      'fanout.p99 < 50ms',
      'lost == 0',
      'duplicated == 0',
      'reordered == 0',
      'misrouted == 0',
      'corrupt == 0',
      'refused == 0',
      'dropped == 0',
    ]);
  });

  test('tells what failed, and calls a run that proves nothing an error', () => {
    const failed = junitCases(junitReport(reportFixture({ verdict: 'fail' })));
    expect(failed.suite).toMatchObject({ '@failures': '2', '@errors': '0' });
    expect(failed.cases.find((entry) => entry['@name'] === 'lost == 0')?.failure?.['@message']).toContain(
      '3 was observed',
    );
    const invalid = junitCases(junitReport(reportFixture({ verdict: 'invalid' })));
    expect(invalid.suite).toMatchObject({ '@failures': '0', '@errors': '1' });
    expect(invalid.cases[0]?.error?.['@message']).toContain('waited 0.59 s/s for a CPU');
  });

  test('stays whole whatever a name holds', () => {
    const scenario = 'a <b> & "c" \u0007 \ud800 ]]>';
    expect(junitCases(junitReport(reportFixture({ scenario }))).suite['@name']).toContain('a <b> & "c"');
  });
});

describe('OpenMetrics, read by a parser of its text', () => {
  const report = reportFixture();
  const text = openMetricsReport(report);
  const families = parsePrometheus(text);
  const family = (name: string) => families.find((entry) => entry.name === `channelbox_load_${name}`);

  test('ends as the format has it, and has one TYPE for each family', () => {
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => String(name));
    expect(new Set(types).size).toBe(types.length);
    // What the parser knows of Prometheus alone has no name of its own for an info.
    const known = families.map(({ name }) => name).filter((name) => name !== 'channelbox_load_run_info');
    expect(known.toSorted()).toEqual(types.toSorted());
  });

  test('has the counters of clients, deliveries and frames', () => {
    expect(family('clients')?.metrics).toContainEqual({ labels: { state: 'reconnected' }, value: '50' });
    expect(family('deliveries')?.metrics).toContainEqual({ labels: { outcome: 'expected' }, value: '59810' });
    expect(family('frames')?.metrics).toContainEqual({ labels: { kind: 'tick' }, value: '1500' });
  });

  test('has latencies in seconds, by quantile', () => {
    const fanout = family('latency_fanout_seconds')?.metrics[0];
    expect(Number(fanout?.quantiles?.['0.95'])).toBeCloseTo(report.latency.fanout.p95 / 1_000, 9);
    expect(Number(fanout?.count)).toBe(report.latency.fanout.count);
  });

  test('has each stage and each target', () => {
    const received = { stage: 'rampTo 200', index: '0', outcome: 'received' };
    expect(family('stage_deliveries')?.metrics).toContainEqual({ labels: received, value: '29900' });
    expect(family('target_deliveries')?.metrics).toHaveLength(3);
  });
});

test('Markdown has the verdict first, its reasons, and tables that no name breaks', () => {
  const text = markdownReport(reportFixture({ verdict: 'fail', scenario: 'a | b <i>' }));
  expect(text.startsWith('## ❌ fail: a \\| b &lt;i>\n')).toBe(true);
  expect(text).toContain('- lost is 3, allowed 0');
  const tables = text.split('\n\n').filter((part) => part.startsWith('|'));
  expect(tables.length).toBeGreaterThanOrEqual(6);
  for (const table of tables) {
    const widths = table
      .trim()
      .split('\n')
      .map((line) => line.replaceAll('\\|', '').split('|').length);
    expect(new Set(widths).size, table).toBe(1);
  }
  expect(text).toContain('| latency | p50 | p90 | p95 | p99 | p99.9 | max | measured |');
});

describe('files of a run', () => {
  test.each(['--html', '--save', '--junit', '--openmetrics', '--markdown', '--trace-file'])(
    '%s into a folder that is not there is refused before anybody connects',
    async (flag) => {
      const terminal = new FakeTerminal(['load', 'chat.ts', flag, '/no/such/folder/file']);
      const { exitCode, calls } = await runLine(terminal);
      expect({ exitCode, runs: calls.length }).toEqual({ exitCode: 2, runs: 0 });
      expect(terminal.notes).toContain('there is no folder /no/such/folder');
    },
  );

  test('the verdict is said, and the other files written, where one cannot be', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outputs-'));
    const page = join(folder, 'gone', 'report.html');
    const summary = join(folder, 'summary.md');
    const terminal = new FakeTerminal(['load', 'chat.ts', '--html', page, '--markdown', summary]);
    await mkdir(join(folder, 'gone'));
    const { exitCode } = await runLine(terminal, async () => {
      await rm(join(folder, 'gone'), { recursive: true });
      return reportFixture({ verdict: 'fail' });
    });
    expect(exitCode).toBe(1);
    expect(terminal.results).toContain('FAIL');
    expect(terminal.notes).toContain(`${page} cannot be written`);
    expect(await readFile(summary, 'utf8')).toContain('❌ fail');
    await rm(folder, { recursive: true });
  });

  test('a pass whose file could not be written ends with 2', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outputs-'));
    const terminal = new FakeTerminal(['load', 'chat.ts', '--junit', join(folder, 'junit.xml')]);
    const { exitCode } = await runLine(terminal, async () => {
      await rm(folder, { recursive: true });
      return reportFixture();
    });
    expect(exitCode).toBe(2);
    expect(terminal.results).toContain('PASS');
  });

  test('--trace goes to standard error, or to its file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outputs-'));
    const file = join(folder, 'trace.txt');
    const answer = ({ options }: { options: { trace?: number; onTrace?: (line: string) => void } }) => {
      options.onTrace?.(`${options.trace} clients: → hello`);
      return reportFixture();
    };
    const beside = new FakeTerminal(['load', 'chat.ts', '--trace', '2']);
    await runLine(beside, answer);
    expect(beside.notes).toContain('2 clients: → hello\n');
    await runLine(new FakeTerminal(['load', 'chat.ts', '--trace', '3', '--trace-file', file]), answer);
    expect(await readFile(file, 'utf8')).toBe('3 clients: → hello\n');
    expect((await stat(file)).isFile()).toBe(true);
    await rm(folder, { recursive: true });
  });
});
