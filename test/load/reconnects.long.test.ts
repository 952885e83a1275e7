import { constant, load, type Adapter, type Scenario } from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { openEcho } from './echo-server.ts';
import { openFeed } from './feed-server.ts';

/** Every frame has a position; who comes back asks for what is behind the last one it had. */
const feed: Adapter = {
  path: () => '/',
  isJoined: (frame) => read(frame).type === 'joined',
  publish: (stamp) => stamp,
  stampOf: (frame) => read(frame).stamp,
  kindOf: (frame) => read(frame).type,
  resume: (_client, last) => ({ path: last === undefined ? '/' : `/?since=${read(last).position}` }),
};
const { resume: _, ...forgetful } = feed;

const scenario: Scenario = {
  adapter: feed,
  clients: 10,
  schedule: constant(20),
  duration: '3s',
  deadline: '3s',
  reconnects: { backoff: '1s', jitter: 0.9 },
};

describe.each(['ws', 'raw'] as const)('%s clients that come back', (client) => {
  test.each([0, 7])('count exactly the %d deliveries that were not given back', async (lost) => {
    await using server = await openFeed({ clients: 10, losesOnReturn: lost, dropsAfter: 60 });
    const report = await load({ ...scenario, target: server.url }, { client });
    expect(server.lost).toBe(lost);
    expect(report.ledger).toMatchObject({ lost, duplicated: 0, reordered: 0 });
    expect(report.ledger.expected).toBeGreaterThan(1_000);
    expect(report.clients).toMatchObject({ dropped: 0, reconnected: 10, refused: 0 });
    expect(report.closes).toMatchObject({ 1006: 10 });
    expect(report.frames).toEqual({ joined: 20 });
    const { clients, p50 = 0, p95 = 0, all = 0 } = report.reconnects ?? {};
    expect(clients).toBe(10);
    // A tenth of the backoff at least.
    expect(p50).toBeGreaterThanOrEqual(100);
    expect(p95).toBeGreaterThanOrEqual(p50);
    expect(all).toBeGreaterThanOrEqual(p95);
  });

  test('are expected nothing of while away, where the protocol gives nothing back', async () => {
    await using server = await openFeed({ clients: 10, losesOnReturn: 0, dropsAfter: 60 });
    const run = {
      ...scenario,
      adapter: forgetful,
      deadline: '1s',
      thresholds: ['late < 100000', 'lost < 100000'],
    } as const;
    const report = await load({ ...run, target: server.url }, { client });
    expect(report.ledger.lost).toBe(report.ledger.late);
    expect(report.ledger.indeterminate).toBeGreaterThan(0);
    expect(report.clients).toMatchObject({ dropped: 0, reconnected: 10 });
  });
});

test('who is not let in again is dropped, after the attempts it was given', async () => {
  let connections = 0;
  await using server = await openEcho({
    verifyClient: (_info, answer) => answer(++connections <= 4, 503),
    onConnection: (socket) => void setTimeout(() => socket.close(1012), 100),
  });
  const reconnects = { backoff: '10ms', attempts: 3 } as const;
  const report = await load(
    { adapter: 'echo', clients: 4, duration: '1s', deadline: '5s', reconnects },
    { target: server.url },
  );
  expect(report.clients).toMatchObject({ intended: 4, connected: 4, refused: 0, dropped: 4, reconnected: 0 });
  expect(report.errors).toContainEqual({ kind: 'http-503', count: 12, sample: expect.any(String) });
  expect(report.verdict === 'fail' && report.reasons[0]).toContain('4 × close code 1012, server restarts');
  expect(report.reconnects).toMatchObject({ clients: 4, all: undefined });
});

function read(frame: string | Uint8Array): { type: string; position: number; stamp?: string } {
  return JSON.parse(String(frame)) as { type: string; position: number; stamp?: string };
}
