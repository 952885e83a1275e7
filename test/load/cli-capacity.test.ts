import { App } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { burst, constant, load, poisson, uniform, type RunReport, type Scenario } from 'channelbox/load';
import type { Capacity } from '../../load/result/capacity.ts';
import { FakeTerminal, runLine, type LoadCall } from './fake-terminal.ts';
import { reportFixture } from './report-fixture.ts';

describe('capacity', () => {
  test('tells the interval, what was run, and why the upper end failed', async () => {
    const terminal = new FakeTerminal('capacity chat.ts --rest 0s --max 10000'.split(' '));
    const { exitCode, calls } = await runLine(terminal, holding(2_000));
    expect(exitCode).toBe(0);
    const words = terminal.results.replaceAll('\u202f', ' ');
    expect(words).toMatch(/Between (1 9\d\d|2 000) clients and 2 \d\d\d clients/);
    expect(words).toContain('lost is 3, allowed 0');
    expect(words).toMatch(/100 clients +1/);
    expect(calls.every((call) => call.source === 'chat.ts')).toBe(true);
    expect(terminal.notes).toContain('so far');
  });

  test('as JSON it is one document with every run', async () => {
    const terminal = new FakeTerminal('capacity chat.ts --rest 0s --json --precision 0.1 --repeats 2'.split(' '));
    const { calls } = await runLine(terminal, holding(700));
    const result = JSON.parse(terminal.results) as Capacity & { schema: number };
    expect(result).toMatchObject({ schema: 1, outcome: 'found', unit: 'clients' });
    expect(result.probes).toHaveLength(calls.length);
    expect(result.holds).toBeLessThanOrEqual(700);
    expect(result.breaks).toBeGreaterThan(700);
  });

  test('rooms grow in number with --room-size', async () => {
    const terminal = new FakeTerminal('capacity chat.ts --rest 0s --room-size 10 --max 400'.split(' '));
    const { calls } = await runLine(terminal, holding(1e9));
    expect(calls[0]?.options.overrides).toEqual({ clients: 100, rooms: uniform(10) });
    expect(calls.at(-1)?.options.overrides).toEqual({ clients: 400, rooms: uniform(40) });
  });

  test('a rate keeps the kind of the schedule', async () => {
    const terminal = new FakeTerminal('capacity chat.ts --rest 0s --by rate --rate poisson:1 --max 3'.split(' '));
    const { calls } = await runLine(terminal, () => reportFixture({ seconds: 1 }));
    expect(calls[0]?.options.overrides).toEqual({ schedule: poisson(1), perSecond: 0.1 });
    expect(calls.at(-1)?.options.overrides).toEqual({ schedule: poisson(1), perSecond: 3 });
    expect(terminal.results).toContain('At least 3/s');
  });

  test('a rate keeps the kind of the schedule that the scenario has where no flag names one', async () => {
    const file = new URL('./fixtures/echo.ts', import.meta.url);
    const words = `capacity ${file.href} --inproc --by rate --min 5 --max 5 --repeats 1`;
    const reports: RunReport[] = [];
    const { exitCode } = await runLine(new FakeTerminal(words.split(' ')), async ({ source, options }) => {
      const report = await load(source, options);
      reports.push(report);
      return report;
    });
    const inproc = true;
    const asPoisson = await load(file, { inproc, overrides: { schedule: poisson(5) } });
    const asConstant = await load(file, { inproc, overrides: { schedule: constant(5) } });
    expect(exitCode).toBe(0);
    // In process a report is the same to the byte for the same load.
    expect(reports).toEqual([asPoisson]);
    expect(reports).not.toEqual([asConstant]);
  });

  test('a rate varies the default schedule where nobody names one, and the one of a flag before the one of a file', async () => {
    const { calls } = await runLine(new FakeTerminal('capacity chat.ts --rest 0s --by rate --max 0.1'.split(' ')), () =>
      reportFixture({ seconds: 1 }),
    );
    expect(calls[0]?.options.overrides).toEqual({ perSecond: 0.1 });
    const plain = { clients: 2, duration: '4s', app: () => echoApp() } as const;
    const inproc = true;
    expect(await load(plain, { inproc, overrides: { perSecond: 3 } })).toEqual(
      await load({ ...plain, schedule: constant(3) }, { inproc }),
    );
    expect(
      await load({ ...plain, schedule: constant(1) }, { inproc, overrides: { schedule: poisson(1), perSecond: 3 } }),
    ).toEqual(await load({ ...plain, schedule: poisson(3) }, { inproc }));
  });

  test.each<[what: string, scenario: Partial<Scenario>, path: string, message: RegExp]>([
    ['bursts, which have no rate', { schedule: burst(5, '1s') }, 'schedule', /burst came.*--rate/],
    ['a script, which has no schedule', { client: async () => {} }, 'client', /in place of schedule/],
  ])('--by rate of a scenario with %s is refused', async (_, scenario, path, message) => {
    const terminal = new FakeTerminal('capacity mine.ts --rest 0s --by rate'.split(' '));
    let refusal: unknown;
    const { exitCode } = await runLine(terminal, async ({ options }) => {
      try {
        return await load({ clients: 2, app: () => echoApp(), ...scenario }, { ...options, inproc: true });
      } catch (error) {
        refusal = error;
        throw error;
      }
    });
    expect(refusal).toMatchObject({ name: 'ScenarioError', path, message: expect.stringMatching(message) });
    expect(exitCode).toBe(2);
  });

  test.each([
    ['--at-least 1500', holding(2_000), 0],
    ['--at-least 2500', holding(2_000), 1],
    ['--min 3000', holding(2_000), 1],
    ['', givingOutAt(2_000), 4],
    ['--at-least 1500', givingOutAt(2_000), 0],
    ['--at-least 2500', givingOutAt(2_000), 4],
  ] as const)('with %j against such a server exits with what was proved', async (words, server, code) => {
    const terminal = new FakeTerminal(`capacity chat.ts --rest 0s ${words}`.trim().split(' '));
    expect((await runLine(terminal, server)).exitCode).toBe(code);
  });

  test('a generator that gives out is named, and nothing is claimed beyond', async () => {
    const terminal = new FakeTerminal('capacity chat.ts --rest 0s'.split(' '));
    await runLine(terminal, givingOutAt(2_000));
    expect(terminal.results).toContain('the generator gave out before the server did');
    expect(terminal.results).toContain('waited 0.59 s/s for a CPU');
    expect(terminal.results).toContain('could not tell; they count for nothing');
  });

  test('interrupted, it tells what is known and exits with 130', async () => {
    const terminal = new FakeTerminal('capacity chat.ts --rest 0s'.split(' '));
    const { exitCode } = await runLine(terminal, (call) => {
      if (sizeOf(call) === 800) terminal.interrupt();
      return reportFixture({ seconds: 1 });
    });
    expect(exitCode).toBe(130);
    expect(terminal.results).toContain('Interrupted: by then 400 clients had held, nothing had failed.');
  });
});

describe('doctor', () => {
  test('tells each finding with its command, and exits with 1 where one limits the load', async () => {
    const terminal = new FakeTerminal(['doctor', '--clients', '50000']);
    expect((await runLine(terminal)).exitCode).toBe(1);
    expect(terminal.results).toMatch(/limits +descriptors +soft 1 024, hard 1 024/);
    expect(terminal.results).toContain('→ ulimit -n 50200');
    expect(terminal.results).toContain('descriptors will stop a load of 50000 clients.');
  });

  test('exits with 0 where nothing limits it', async () => {
    const terminal = new FakeTerminal(['doctor', '--clients', '500', '--json']);
    expect((await runLine(terminal)).exitCode).toBe(0);
    expect(JSON.parse(terminal.results)).toMatchObject({ schema: 1, clients: 500 });
  });
});

function echoApp(): App {
  return new App().addWsRoute('/', async (ws) => {
    await ws.accept();
    for await (const { data } of ws) await ws.send(data);
  });
}

function sizeOf(call: LoadCall): number {
  return Number(call.options.overrides?.clients);
}

function holding(capacity: number): (call: LoadCall) => RunReport {
  return (call) => reportFixture({ verdict: sizeOf(call) <= capacity ? 'pass' : 'fail', seconds: 1 });
}

function givingOutAt(limit: number): (call: LoadCall) => RunReport {
  return (call) => reportFixture({ verdict: sizeOf(call) <= limit ? 'pass' : 'invalid', seconds: 1 });
}
