import { constant, load, oneRoom, uniform, type RunReport } from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import scenario from './fixtures/rooms.ts';
import { builtKit } from './built-kit.ts';
import { openRoomServer, type Fault, type Sins } from './room-server.ts';

/** Far beyond what a busy machine adds: what is late is what the server held back. */
const deadlineMs = 8_000;

/** Faults stop early enough for what is delayed to arrive before the end. */
const lastFault = 800;

const mixed: Fault[] = ['drop', 'duplicate', 'swap', 'leak', 'flip', { delayMs: deadlineMs + 50 }];

function sinful(delivery: number): Fault | undefined {
  if (delivery > lastFault || delivery % 3 !== 0) return undefined;
  return mixed[(delivery / 3) % mixed.length];
}

const overrides = { duration: '3s', deadline: deadlineMs, schedule: constant(10), speakers: 1 } as const;

async function accuse(
  client: 'raw' | 'ws',
  rooms: ReturnType<typeof uniform>,
  processes: number,
): Promise<RunReport & { sins: Sins }> {
  await using server = await openRoomServer({ fault: sinful, clients: 24 });
  const options = { client, target: server.url, processes, overrides: { ...overrides, rooms } };
  if (processes === 0) return { ...(await load(scenario, options)), sins: server.sins };
  await using kit = await builtKit();
  const report = await kit.load(kit.scenario, options);
  return { ...report, sins: server.sins };
}

/** What is delayed may, on a busy machine, come only after the end of the run: then it is lost, and not late. */
function expectExposed(report: RunReport & { readonly sins: Sins }): void {
  const { lost, duplicated, reordered, misrouted, corrupt, late } = report.ledger;
  const { dropped, delayed, ...others } = report.sins;
  expect({ missing: lost - corrupt, duplicated, swapped: reordered, leaked: misrouted, flipped: corrupt }).toEqual({
    ...others,
    missing: dropped + delayed,
  });
  expect(late).toBeLessThanOrEqual(delayed);
}

describe.concurrent('a server that drops, doubles, swaps, leaks, corrupts and delays is found out exactly', () => {
  for (const client of ['raw', 'ws'] as const) {
    test(`by the ${client} client in one process`, async () => {
      const report = await accuse(client, uniform(4), 0);
      expectExposed(report);
      expect(report.ledger.corrupt).toBeGreaterThan(37);
      expect(report.ledger.expected).toBe(report.ledger.received + report.ledger.lost);
      expect(report.verdict).toBe('fail');
    });

    test(`by the ${client} client in two processes that share a room`, async () => {
      const report = await accuse(client, uniform(3), 2);
      expectExposed(report);
      expect(report.ledger.expected).toBe(report.ledger.received + report.ledger.lost);
      expect(report.generator['processes']).toBe(2);
      expect(report.verdict).toBe('fail');
    });
  }
});

describe.concurrent('a server that does right', () => {
  test('has nothing counted against it', async () => {
    await using server = await openRoomServer({ clients: 24 });
    const calm = { rooms: oneRoom(), schedule: constant(5), duration: '5s', deadline: '20s' } as const;
    const { ledger, clients } = await load(scenario, { target: server.url, overrides: calm });
    expect(clients).toEqual({ intended: 24, connected: 24, refused: 0, dropped: 0, reconnected: 0, peak: 24 });
    expect(ledger).toMatchObject({ lost: 0, duplicated: 0, reordered: 0, misrouted: 0, corrupt: 0, late: 0 });
    expect(ledger.expected).toBeGreaterThan(24 * 24 * 2);
    expect(ledger.received).toBe(ledger.expected);
  });

  test('that drops one delivery in five hundred is caught by exactly those, with an example of each', async () => {
    await using server = await openRoomServer({
      clients: 24,
      fault: (delivery) => (delivery % 500 === 0 ? 'drop' : undefined),
    });
    const report = await load(scenario, {
      target: server.url,
      client: 'raw',
      overrides: { rooms: oneRoom(), schedule: constant(8), duration: '6s', deadline: '5s' },
    });
    expect(server.sins.dropped).toBeGreaterThan(3);
    expect(report.ledger.lost).toBe(server.sins.dropped);
    expect(report.ledger.firstViolations).toContainEqual(
      expect.objectContaining({ kind: 'lost', room: 'room-0', sequence: expect.any(Number) }),
    );
    expect(report.rooms).toMatchObject([{ size: 20, rooms: 1, lost: server.sins.dropped }]);
  });
});
