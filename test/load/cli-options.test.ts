import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { constant, explicit, hold, oneRoom, poisson, burst, rampTo, uniform, zipf } from 'channelbox/load';
import { flagOf, variableOf, type CommandName, type Option } from '../../load/command/option/option.ts';
import { options } from '../../load/command/option/options.ts';
import { optionReference } from '../../load/command/option/option-reference.ts';
import { settingsOf } from '../../load/command/option/arguments.ts';
import { exitCodes } from '../../load/command/command-context.ts';
import { FakeTerminal, runLine } from './fake-terminal.ts';

/** A text that each option takes. The test fails when an option has none. */
const samples: Readonly<Partial<Record<Option['key'], string>>> = {
  runs: '20',
  budget: '2m',
  emit: 'found.test.ts',
  target: 'ws://127.0.0.1:8000',
  seed: '7',
  clients: '50',
  duration: '5s',
  ramp: '2s',
  rooms: 'zipf:5',
  roomSize: '4',
  speakers: '0.5',
  rate: 'poisson:2',
  adapter: 'chat',
  thresholds: 'lost == 0',
  warmup: '1s',
  deadline: '500ms',
  name: 'a name',
  client: 'raw',
  processes: '2',
  localIp: '127.0.0.2',
  http: '/health',
  rounds: '12',
  by: 'rate',
  min: '1',
  max: '9',
  precision: '0.1',
  repeats: '5',
  rest: '0s',
  atLeast: '3',
  html: 'report.html',
  save: 'run.json',
  ca: 'ca.pem',
  cert: 'client.pem',
  key: 'client.key',
  servername: 'chat.example',
  connectTimeout: '5s',
  reconnects: '500ms',
  prepareConcurrency: '20',
  junit: 'junit.xml',
  openmetrics: 'metrics.txt',
  markdown: 'summary.md',
  trace: '3',
  traceFile: 'trace.txt',
};

const rows = options.flatMap((option) => option.commands.map((command) => [command, flagOf(option), option] as const));

describe('the table', () => {
  test.each(rows)('%s %s means the same as its variable, and wins over it', async (command, flag, option) => {
    const sample = sampleOf(option);
    const words = option.argument === undefined ? [flag] : [flag, sample];
    const variables = { [variableOf(option)]: option.argument === undefined ? '1' : sample };
    const byFlag = settingsOf(command, new Map([[option.key, option.argument === undefined ? [''] : [sample]]]), {});
    expect(settingsOf(command, new Map(), variables)).toEqual(byFlag);
    expect(byFlag[option.key]).toBeDefined();
    const terminal = new FakeTerminal([command, '--help']);
    await runLine(terminal);
    expect(terminal.results).toContain(`${words[0]}`);
    expect(terminal.results).toContain(variableOf(option));
  });

  test('a flag wins over its variable, and a variable over the scenario', async () => {
    const environment = { LOAD_CLIENTS: '10', LOAD_SEED: '3' };
    const { calls } = await runLine(new FakeTerminal(['load', 'chat.ts', '--clients', '20'], { environment }));
    expect(calls[0]?.options.overrides).toEqual({ clients: 20, seed: 3 });
  });

  test('what nobody said is left to the scenario', async () => {
    const { calls } = await runLine(new FakeTerminal(['load', 'chat.ts']));
    expect(calls[0]?.options.overrides).toEqual({});
    expect(calls[0]?.options).not.toHaveProperty('target');
  });

  test('an empty variable is not set, and a switch may be switched off by its variable', () => {
    expect(settingsOf('load', new Map(), { LOAD_CLIENTS: '', LOAD_JSON: '0', LOAD_QUIET: 'false' })).toEqual({});
    expect(settingsOf('load', new Map(), { LOAD_JSON: 'yes' })).toEqual({ json: true });
  });

  test('an option of another command is unknown', async () => {
    const terminal = new FakeTerminal(['report', 'run.json', '--clients', '5']);
    expect((await runLine(terminal)).exitCode).toBe(2);
    expect(terminal.notes).toContain("unknown option '--clients'");
  });

  test('no two options share a flag, a variable or a letter', () => {
    for (const names of [options.map(flagOf), options.map(variableOf), options.flatMap(({ short }) => short ?? [])]) {
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe('what flags become', () => {
  test.each([
    [['--rooms', '5'], { rooms: uniform(5) }],
    [['--rooms', 'one'], { rooms: oneRoom() }],
    [['--rooms', 'zipf:500:1.1'], { rooms: zipf(500, 1.1) }],
    [['--rooms', 'lobby=100,side=10'], { rooms: explicit({ lobby: 100, side: 10 }) }],
    [['--rate', '0.5'], { schedule: constant(0.5) }],
    [['--rate', 'poisson:3'], { schedule: poisson(3) }],
    [['--rate', 'burst:10:5s'], { schedule: burst(10, '5s') }],
    [['--clients', '40', '--room-size', '7'], { clients: 40, rooms: uniform(6) }],
    [
      ['--clients', '40', '--ramp', '2s', '--duration', '3s'],
      { clients: [rampTo(40, '2s'), hold('3s')], duration: '3s' },
    ],
    [
      ['--thresholds', 'lost == 0', '--thresholds', 'fanout.p99 < 5ms, late == 0'],
      { thresholds: ['lost == 0', 'fanout.p99 < 5ms', 'late == 0'] },
    ],
    [['--duration', '250ms', '--warmup', '0'], { duration: '250ms', warmup: 0 }],
    [['--ca', 'ca.pem', '--insecure'], { tls: { ca: 'ca.pem', insecure: true } }],
    [['--reconnects', '1s'], { reconnects: { backoff: '1s' } }],
    [['--connect-timeout', '2s', '--compression'], { connectTimeout: '2s', compression: true }],
  ])('%j', async (words, overrides) => {
    const { calls } = await runLine(new FakeTerminal(['load', 'chat.ts', ...words]));
    expect(calls[0]?.options.overrides).toEqual(overrides);
  });

  test('targets, the client, processes and addresses go to the run itself', async () => {
    const words = '--target ws://a --target ws://b --client raw --processes 3 --local-ip 127.0.0.2,127.0.0.3'.split(
      ' ',
    );
    const { calls } = await runLine(new FakeTerminal(['load', 'chat.ts', ...words, '--inproc']));
    expect(calls[0]?.options).toMatchObject({
      target: ['ws://a', 'ws://b'],
      client: 'raw',
      processes: 3,
      localAddresses: ['127.0.0.2', '127.0.0.3'],
      inproc: true,
    });
  });

  test('a bare --target is an address to run', async () => {
    const { calls } = await runLine(new FakeTerminal(['load'], { environment: { LOAD_TARGET: 'ws://127.0.0.1:9' } }));
    expect(calls[0]?.source).toBe('ws://127.0.0.1:9');
  });
});

test('the reference in docs/load.md is the one that the table makes', async () => {
  const text = await readFile(new URL('../../docs/load.md', import.meta.url), 'utf8');
  expect(unaligned(text)).toContain(unaligned(optionReference()));
});

test('the exit codes of --help, of the documents and of the code are the same', async () => {
  const text = await readFile(new URL('../../docs/load.md', import.meta.url), 'utf8');
  const documented = [...unaligned(text).matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(documented).toEqual(Object.values(exitCodes));
  const terminal = new FakeTerminal(['--help']);
  await runLine(terminal);
  const told = terminal.results.slice(terminal.results.indexOf('Exit codes:'));
  for (const code of Object.values(exitCodes)) expect(told).toMatch(new RegExp(`[:·]\\s${code}\\s`));
});

/** A formatter fills the cells of a table up; that is no difference. */
function unaligned(table: string): string {
  return table
    .replaceAll(/-{3,}/g, '---')
    .replaceAll(/ +/g, ' ')
    .replaceAll('| --- ', '|---')
    .replaceAll('--- |', '---|');
}

function sampleOf(option: Option): string {
  const sample = samples[option.key];
  if (sample !== undefined || option.argument === undefined) return sample ?? '';
  throw new Error(`give a sample for ${flagOf(option)}`);
}

// The commands that the table may name.
const named: readonly CommandName[] = ['load', 'capacity', 'compare', 'report', 'doctor', 'simulate'];
test('every command of the table has a help', async () => {
  for (const command of named) {
    const terminal = new FakeTerminal([command, '--help']);
    expect((await runLine(terminal)).exitCode).toBe(0);
    expect(terminal.results).toContain(`channelbox ${command}`);
  }
});
