import { describe, expect, test } from 'vitest';
import { replay, type SimCase, type SimStep } from 'channelbox/testing/simulator';
import { redisSimulation } from './redis-scene.ts';
import type { BrokerFault } from './sim-broker.ts';

/** c1 and c2 are in a room on a node each, c3 is at the broker of c2's node. */
function caseOf(...what: readonly (BrokerFault | `say ${number}`)[]): SimCase {
  const connect = (id: number, path: string, node: string): SimStep => ({
    id,
    at: 50,
    client: `c${id}`,
    op: 'connect',
    args: [path, { node }],
  });
  const deeds = what.map((each, place): SimStep => {
    const id = 10 + place;
    const [client, sent] = each.startsWith('say ')
      ? ['c1', JSON.stringify({ do: 'say', text: `~c1.${each.slice(4)}~` })]
      : ['c3', each];
    return { id, at: 200 + 400 * place, client, op: 'send', args: [sent] };
  });
  const steps = [connect(1, '/room/a', 'n1'), connect(2, '/room/a', 'n2'), connect(3, '/broker', 'n2'), ...deeds];
  return { seed: 1, steps, durationMs: 400 * what.length + 5_000 };
}

describe('the Redis layer makes good', () => {
  for (const fault of ['lose', 'deaf', 'double', 'cut pushes', 'cut commands'] as const) {
    test(`what a broker does to its connections: ${fault}`, async () => {
      await expect(replay(redisSimulation(), caseOf('say 1', fault, 'say 2', 'say 3'))).resolves.toBeUndefined();
      await expect(replay(redisSimulation(), caseOf('say 1', fault, 'say 2'))).resolves.toBeUndefined();
    });
  }

  for (const fault of ['come back empty', 'come back old'] as const) {
    test(`what a broker does that has forgotten: ${fault}`, async () => {
      const simCase = caseOf('say 1', 'remember', 'say 2', 'say 3', fault, 'say 4', 'say 5');
      await expect(replay(redisSimulation(), simCase)).resolves.toBeUndefined();
    });
  }
});

describe('the checkers see what its safeguard is for', () => {
  test('without verification the last message that is lost stays lost, without a word', async () => {
    const simCase = caseOf('say 1', 'lose', 'say 2');
    await expect(replay(redisSimulation({ without: 'verification' }), simCase)).rejects.toThrow('noLossInSilence');
  });
});

test('who has its page from a broker that came back old is not owed what that has forgotten', async () => {
  const say = (at: number, id: number): SimStep => ({
    id,
    at,
    client: 'c3',
    op: 'send',
    args: [JSON.stringify({ do: 'say', text: `~c3.${id}~` })],
  });
  const connect = (at: number, id: number, client: string, path: string, node: string): SimStep => ({
    id,
    at,
    client,
    op: 'connect',
    args: [path, { node }],
  });
  const steps: SimStep[] = [
    connect(5, 1, 'c3', '/room/a', 'n2'),
    connect(5, 2, 'c2', '/broker', 'n1'),
    say(7, 8),
    { id: 10, at: 12, client: 'c2', op: 'send', args: ['remember'] },
    connect(12, 21, 'c4', '/room/a', 'n1'),
    { id: 28, at: 17, fault: 'pause', node: 'n1', ms: 100 },
    connect(17, 31, 'c1', '/room/a?since=98e979e594f2:6', 'n1'),
    say(17, 33),
    { id: 34, at: 19, client: 'c2', op: 'send', args: ['come back old'] },
  ];
  await expect(replay(redisSimulation(), { seed: 21108181958958, steps, durationMs: 39 })).resolves.toBeUndefined();
});
