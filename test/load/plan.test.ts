import {
  burst,
  churn,
  constant,
  explicit,
  hold,
  oneRoom,
  poisson,
  rampTo,
  slowReaders,
  spike,
  uniform,
  vanish,
  zipf,
  type Scenario,
  type Schedule,
} from 'channelbox/load';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planOf, type Plan } from '../../load/plan/plan.ts';
import { seeded } from '../../src/random.ts';
import { resolveScenario } from '../../load/scenario/resolved.ts';
import { Agenda } from '../../load/scenario/schedule.ts';
import { validateScenario } from '../../load/scenario/validation.ts';

const plan = (scenario: Scenario, processes = 1): Plan =>
  planOf(resolveScenario(validateScenario({ adapter: 'json', ...scenario })), processes);
const sizes = (made: Plan): number[] => made.rooms.map(({ size }) => size);
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((left, right) => left + right, 0);

describe('a plan', () => {
  test('seats everybody in rooms of the sizes that were asked for', () => {
    expect(sizes(plan({ clients: 10, rooms: uniform(3) }))).toEqual([4, 3, 3]);
    expect(sizes(plan({ clients: 183, rooms: zipf(5) }))).toEqual([80, 40, 27, 20, 16]);
    expect(sizes(plan({ clients: 10, rooms: zipf(10, 3) }))).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(plan({ clients: 30, rooms: explicit({ hall: 20, nook: 10 }) }).rooms).toEqual([
      { name: 'hall', size: 20 },
      { name: 'nook', size: 10 },
    ]);
    expect(sizes(plan({ clients: 45, rooms: explicit({ hall: 20, nook: 10 }) }))).toEqual([30, 15]);
    expect(plan({ clients: 5 }).rooms).toEqual([{ name: 'room-0', size: 5 }]);
    expect(plan({ clients: 5, rooms: oneRoom('all') }).rooms).toEqual([{ name: 'all', size: 5 }]);
    expect(sizes(plan({ clients: 3, rooms: uniform(10) }))).toEqual([1, 1, 1]);
  });

  test('fills rooms in proportion, so that half of a ramp has rooms of half the size', () => {
    const { roomOf } = plan({ clients: 300, rooms: explicit({ hall: 200, nook: 100 }) });
    expect(roomOf.subarray(0, 150).filter((room) => room === 0)).toHaveLength(100);
  });

  test('has the speakers that were asked for: a share of each room, at least one; a count over all', () => {
    const rooms = explicit({ hall: 20, nook: 3 });
    expect([...plan({ clients: 23, rooms }).speakersIn]).toEqual([20, 3]);
    expect([...plan({ clients: 23, rooms, speakers: 0.1 }).speakersIn]).toEqual([2, 1]);
    expect([...plan({ clients: 23, rooms, speakers: 0 }).speakersIn]).toEqual([0, 0]);
    expect([...plan({ clients: 23, rooms, speakers: 9 }).speakersIn]).toEqual([6, 3]);
  });

  test('is the same in every process, deals each client to one of them, and cuts no room that need not be cut', () => {
    const kinds = fc.constantFrom(uniform(1), uniform(7), zipf(9), zipf(3, 2), oneRoom());
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        kinds,
        fc.integer({ min: 1, max: 5 }),
        (clients, rooms, processes) => {
          const made = plan({ clients, rooms }, processes);
          expect(plan({ clients, rooms }, processes)).toEqual(made);
          const loads = Array.from(
            { length: processes },
            (_, process) => made.processOf.filter((of) => of === process).length,
          );
          expect(sum(loads)).toBe(clients);
          expect(Math.max(...loads) - Math.ceil(clients / processes)).toBeLessThanOrEqual(
            Math.ceil(clients / processes / 10) + 1,
          );
          expect(sum(sizes(made))).toBe(clients);
          for (const [room, members] of made.membersOf.entries()) {
            expect(new Set(members.map((client) => made.roomOf[client] as number))).toEqual(new Set([room]));
            const owners = new Set(members.map((client) => made.processOf[client] as number));
            expect(owners.size > 1).toBe(made.isShared[room] === 1);
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(plan({ clients: 100, rooms: uniform(10) }, 2).isShared.some(Boolean)).toBe(false);
  });

  test('brings and removes clients at the times of its stages', () => {
    const { timeline } = plan({
      clients: [rampTo(2, '1s'), spike(2, '1s'), hold('1s'), churn(2, '1s'), rampTo(1, '1s')],
    });
    expect(
      timeline.map(({ atUs, kind, client }) => `${atUs / 1e6} ${kind} ${kind === 'replace' ? '' : client}`.trim()),
    ).toEqual([
      '0 connect 0',
      '0.5 connect 1',
      '1 connect 2',
      '1 connect 3',
      '2 close 3',
      '2 close 2',
      '3.25 replace',
      '3.75 replace',
      '4 close 1',
    ]);
  });

  test('chooses the clients of its chaos by the seed', () => {
    const chaos = [slowReaders(0.1, { from: '1s', lasts: '2s' }), vanish(0.001)];
    const chosen = (seed: number): Plan['chaos'] => plan({ clients: 100, seed, duration: '10s', chaos }).chaos;
    expect(chosen(1)).toEqual(chosen(1));
    expect(chosen(1)).not.toEqual(chosen(2));
    expect(chosen(1)).toMatchObject([
      { atUs: 1e6, untilUs: 3e6 },
      { atUs: 5e6, untilUs: Infinity },
    ]);
    expect(chosen(1).map(({ clients }) => clients.length)).toEqual([10, 1]);
  });
});

describe('a schedule', () => {
  const times = (schedule: Schedule, count: number): number[] => {
    const agenda = new Agenda(schedule, seeded(3, 1), 1e6);
    return Array.from({ length: count }, () => {
      const at = agenda.nextUs;
      agenda.advance();
      return at - 1e6;
    });
  };

  test('of a constant rate has equal distances from a seeded phase on', () => {
    const [first = 0, second = 0, third = 0] = times(constant(4), 3);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first).toBeLessThan(250_000);
    expect(second - first).toBeCloseTo(250_000);
    expect(third - second).toBeCloseTo(250_000);
  });

  test('of bursts has several at once', () => {
    const [first = 0, second, third, fourth = 0] = times(burst(3, '2s'), 4);
    expect([second, third]).toEqual([first, first]);
    expect(fourth - first).toBeCloseTo(2e6);
  });

  test('of a Poisson process has the rate, and gaps as wide as they are on average', () => {
    const all = times(poisson(10), 5_000);
    const gaps = all.map((at, index) => at - (all[index - 1] ?? 0));
    const mean = sum(gaps) / gaps.length;
    const deviation = Math.sqrt(sum(gaps.map((gap) => (gap - mean) ** 2)) / gaps.length);
    expect(mean / 1e5).toBeCloseTo(1, 1);
    expect(deviation / mean).toBeCloseTo(1, 1);
  });
});
