import { load, type Adapter, type Scenario } from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { openEcho } from './echo-server.ts';

const echo: Adapter = { path: () => '/', publish: (stamp) => stamp, stampOf: String, reach: 'sender' };
// Each run ends by its refusal, however long the machine takes to come there.
const scenario: Scenario = { clients: 2, duration: '20s', deadline: '5s' };

const late = async (): Promise<never> => await Promise.resolve('too late' as never);
const rejecting = async (): Promise<never> => await Promise.reject(new Error('no'));

describe.each(['ws', 'raw'] as const)(
  'with the %s client, an answer that is a promise is refused with the name of',
  (client) => {
    for (const name of [
      'path',
      'headers',
      'subprotocols',
      'join',
      'isJoined',
      'stampOf',
      'publish',
      'reply',
      'kindOf',
    ] as const) {
      test(`adapter.${name}, kept or rejected`, async () => {
        await using server = await openEcho();
        for (const wrong of [late, rejecting]) {
          // Something has to come before it is looked at, and what is no delivery before it is named.
          const adapter = {
            ...echo,
            join: () => ['hello'],
            ...(name === 'kindOf' ? { stampOf: () => undefined } : {}),
            [name]: wrong,
          };
          await expect(load({ ...scenario, adapter }, { target: server.url, client })).rejects.toMatchObject({
            code: 'CHANNELBOX_SCENARIO_INVALID',
            path: `adapter.${name}`,
            message: expect.stringContaining('prepare(client)'),
          });
        }
      });
    }

    test('payload', async () => {
      await using server = await openEcho();
      for (const payload of [late, rejecting]) {
        const run = load({ ...scenario, adapter: echo, payload }, { target: server.url, client });
        await expect(run).rejects.toMatchObject({ path: 'payload' });
      }
    });
  },
);

test.each([
  ['path', 7],
  ['headers', { 'X-Name': 7 }],
  ['join', 'not a list'],
  ['publish', { a: 1 }],
] as const)('adapter.%s that gives %j is refused with what was due', async (name, value) => {
  await using server = await openEcho();
  const adapter = { ...echo, [name]: () => value as never };
  await expect(load({ ...scenario, adapter }, { target: server.url })).rejects.toMatchObject({
    path: expect.stringContaining(`adapter.${name}`),
    message: expect.stringMatching(/came; .* due/),
  });
});

test.each(['path', 'headers', 'join', 'publish'] as const)(
  'adapter.%s that throws ends the run, by name',
  async (name) => {
    await using server = await openEcho();
    const adapter = {
      ...echo,
      [name]: () => {
        throw new RangeError('no such room');
      },
    };
    await expect(load({ ...scenario, adapter }, { target: server.url })).rejects.toMatchObject({
      code: 'CHANNELBOX_LOAD_FAILED',
      message: expect.stringContaining(`adapter.${name} threw: no such room`),
    });
  },
);
