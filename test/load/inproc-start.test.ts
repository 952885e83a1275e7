import { App } from 'channelbox';
import { load, type Scenario } from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { exitCodes } from '../../load/command/command-context.ts';
import { FakeTerminal, runLine } from './fake-terminal.ts';

const fixture = (name: string): URL => new URL(`./fixtures/${name}.ts`, import.meta.url);

describe('an app to run in process', () => {
  test('that throws while it is loaded is told with its file, its cause and the place', async () => {
    await expect(load(fixture('throws-on-load'), { inproc: true })).rejects.toMatchObject({
      name: 'ScenarioError',
      code: 'CHANNELBOX_SCENARIO_NOT_FOUND',
      message: expect.stringMatching(
        /throws-on-load\.ts: no port is configured \(thrown at \S*app-that-throws\.ts:\d+:\d+\)$/,
      ),
      cause: expect.objectContaining({ name: 'RangeError', stack: expect.stringContaining('app-that-throws.ts') }),
    });
  });

  test('whose file throws something that is no error is told so too', async () => {
    await expect(load(fixture('throws-nothing'), { inproc: true })).rejects.toMatchObject({
      code: 'CHANNELBOX_SCENARIO_NOT_FOUND',
      message: expect.stringMatching(/throws-nothing\.ts: undefined was thrown$/),
    });
  });

  test('that throws while it starts is told with its file, its cause and the place', async () => {
    await expect(load(fixture('throws-on-start'), { inproc: true })).rejects.toMatchObject({
      name: 'ScenarioError',
      code: 'CHANNELBOX_SCENARIO_APP',
      path: 'app',
      message: expect.stringMatching(
        /^app: .*throws-on-start\.ts.* no port is configured \(thrown at \S*throws-on-start\.ts:\d+:\d+\)/,
      ),
      cause: expect.objectContaining({ name: 'RangeError' }),
    });
  });

  const used = new App();
  test.each<[name: string, app: unknown, message: RegExp, cause?: unknown]>([
    ['throws later', async () => Promise.reject(new RangeError('late')), /late/, expect.any(RangeError)],
    ['comes later', async () => new App(), /a promise came; .*new App\(\{ clock \}\)/],
    ['is none', () => ({ handle: () => {} }), /an object came; /],
    ['is nothing', () => undefined, /undefined came; /],
    [
      'has had a connection',
      () => used,
      /first connection/,
      expect.objectContaining({ code: 'CHANNELBOX_APP_IN_USE' }),
    ],
  ])('that %s is told of by the name of its scenario', async (_, app, message, cause) => {
    await used.handle({
      method: 'GET',
      url: new URL('ws://localhost/'),
      headers: [],
      client: { host: '127.0.0.1', port: 1 },
      signal: new AbortController().signal,
      accept: () => Promise.reject(new Error('no route takes it')),
      deny: () => Promise.resolve(),
    });
    const scenario: Scenario = { name: 'mine', clients: 1, app: app as NonNullable<Scenario['app']> };
    const error: unknown = await load(scenario, { inproc: true }).catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({
      code: 'CHANNELBOX_SCENARIO_APP',
      message: expect.stringMatching(message),
      ...(cause === undefined ? {} : { cause }),
    });
    expect((error as Error).message).toContain('the scenario mine');
  });

  test.each(['throws-on-load', 'throws-on-start', 'throws-nothing'])('ends the command with 2: %s', async (name) => {
    const terminal = new FakeTerminal(['load', fixture(name).href, '--inproc']);
    const { exitCode } = await runLine(terminal, ({ source, options }) => load(source, options));
    expect(exitCode).toBe(exitCodes.usage);
    expect(terminal.notes).toContain(`${name}.ts`);
    expect(terminal.notes).not.toContain('broke off');
  });
});
