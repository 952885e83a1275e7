import {
  burst,
  churn,
  constant,
  explicit,
  hold,
  load,
  oneRoom,
  poisson,
  rampTo,
  reconnectStorm,
  ScenarioError,
  slowReaders,
  spike,
  uniform,
  validateScenario,
  vanish,
  zipf,
} from 'channelbox/load';
import { describe, expect, test } from 'vitest';

const refusals: readonly [scenario: unknown, path: string, message: RegExp][] = [
  [7, '', /a scenario is an object/],
  [{}, 'clients', /is missing/],
  [{ clients: 1, treshold: [] }, 'treshold', /did you mean thresholds\?/],
  [{ clients: 1, adaptor: 'echo' }, 'adaptor', /did you mean adapter\?/],
  [{ clients: 0 }, 'clients', /whole number from 1/],
  [{ clients: 1.5 }, 'clients', /whole number/],
  [{ clients: [] }, 'clients', /at least is due/],
  [{ clients: [hold('10s')] }, 'clients', /no stage brings a client/],
  [{ clients: [rampTo(10, '1s'), { kind: 'hodl', lasts: '1s' }] }, 'clients[1].kind', /did you mean hold\?/],
  [{ clients: [rampTo(10, '10 s' as '10s')] }, 'clients[0].over', /is no duration/],
  [{ clients: 1, duration: '10sec' }, 'duration', /is no duration/],
  [{ clients: 1, duration: -1 }, 'duration', /is no duration/],
  [{ clients: 1, target: 'http://127.0.0.1' }, 'target', /lives at ws:\/\/ on the same host/],
  [{ clients: 1, target: ['ws://127.0.0.1', 'here'] }, 'target[1]', /no address/],
  [{ clients: 1, rooms: 5 }, 'rooms', /made by uniform, zipf, oneRoom, explicit/],
  [{ clients: 1, rooms: uniform(0) }, 'rooms.rooms', /whole number/],
  [{ clients: 1, rooms: explicit({ lobby: 0 }) }, 'rooms.sizes.lobby', /whole number/],
  [{ clients: 1, schedule: constant(0) }, 'schedule.perSecond', /above 0/],
  [{ clients: 10, speakers: 20 }, 'speakers', /20 of 10 clients cannot speak/],
  [{ clients: 10, speakers: 1.5 }, 'speakers', /share from 0 to 1 or a whole number/],
  [{ clients: 1, adapter: 'ecco' }, 'adapter', /did you mean echo\?/],
  [{ clients: 1, adapter: { path: () => '', publish: () => '' } }, 'adapter.stampOf', /is missing/],
  [
    { clients: 1, adapter: { path: () => '', publish: () => '', stampOf: () => '', isJoind: () => true } },
    'adapter.isJoind',
    /did you mean isJoined\?/,
  ],
  [{ clients: 1, chaos: [vanish(2)] }, 'chaos[0].share', /from 0 to 1/],
  [{ clients: 1, duration: '10s', chaos: [vanish(0.5, { at: '20s' })] }, 'chaos[0].at', /after the end of the run/],
  [{ clients: 1, thresholds: ['fanuot.p99 < 5ms'] }, 'thresholds[0]', /did you mean fanout/],
  [{ clients: 1, thresholds: 'lost == 0' }, 'thresholds', /a list is due/],
  [{ clients: 1, duration: '10s', warmup: '10s' }, 'warmup', /nothing would be measured/],
  [{ clients: 1, schedule: constant(1), client: async () => undefined }, 'client', /in place of schedule/],
];

describe('a scenario that cannot be run is refused before the first connection', () => {
  test.each(refusals)('%j at %s', (scenario, path, message) => {
    const attempt = (): unknown => validateScenario(scenario);
    expect(attempt).toThrow(ScenarioError);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'CHANNELBOX_SCENARIO_INVALID', path, message: expect.stringMatching(message) }),
    );
  });

  test('one whose ledger would not fit in memory names speakers', async () => {
    const huge = { clients: 1_000_000, rooms: oneRoom(), adapter: 'json', target: 'ws://127.0.0.1:9' } as const;
    await expect(load(huge)).rejects.toMatchObject({ code: 'CHANNELBOX_SCENARIO_TOO_LARGE', path: 'speakers' });
  });

  test('a file that is not there, or exports nothing', async () => {
    await expect(load(new URL('./fixtures/missing.ts', import.meta.url))).rejects.toMatchObject({
      code: 'CHANNELBOX_SCENARIO_NOT_FOUND',
    });
    await expect(load(new URL('./fixtures/no-scenario.ts', import.meta.url))).rejects.toMatchObject({
      code: 'CHANNELBOX_SCENARIO_NOT_FOUND',
    });
  });

  test('one with nothing at its address, or with no address', async () => {
    await expect(load({ clients: 1, target: 'ws://127.0.0.1:9' })).rejects.toMatchObject({
      code: 'CHANNELBOX_TARGET_UNREACHABLE',
    });
    await expect(load({ clients: 1 })).rejects.toMatchObject({ code: 'CHANNELBOX_TARGET_MISSING' });
  });
});

test('everything that the functions make is accepted', () => {
  const whole = {
    name: 'whole',
    seed: 42,
    target: ['ws://127.0.0.1:1', 'wss://example.org/x'],
    clients: [rampTo(100, '1s'), hold('1m'), spike(50, '10s'), churn(2, '10s'), rampTo(0, 500)],
    rooms: zipf(10),
    speakers: 0.1,
    schedule: poisson(2),
    adapter: 'chat',
    warmup: '5s',
    deadline: 2_000,
    chaos: [
      slowReaders(0.01, { from: '10s', lasts: '5s' }),
      vanish(0.1),
      reconnectStorm(0.5, { at: '30s', backoff: '1s' }),
    ],
    thresholds: ['fanout.p99 < 50ms', 'lost == 0', 'connect.p95 < 1s over 10s abort'],
  } as const;
  expect(validateScenario(whole)).toBe(whole);
  expect(validateScenario({ clients: 3, schedule: burst(5, '1s'), rooms: explicit({ a: 1, b: 2 }) })).toBeDefined();
});
