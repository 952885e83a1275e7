import { createServer } from 'node:net';
import { constant, load, uniform, type Scenario } from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { openRoomServer } from './room-server.ts';

const scenario: Scenario = {
  clients: 20,
  rooms: uniform(4),
  schedule: constant(10),
  duration: '1s',
  deadline: '400ms',
  adapter: 'json',
};

describe.concurrent('a run that proves nothing does not pass', () => {
  for (const client of ['raw', 'ws'] as const) {
    test(`when the server kicks everybody (${client})`, async () => {
      const everybody: WebSocket[] = [];
      await using server = await openRoomServer({
        onConnection: (socket, number) => {
          everybody.push(socket);
          if (number === 20) for (const each of everybody) each.close(1001);
        },
      });
      const report = await load({ ...scenario, target: server.url }, { client });
      expect(report.verdict).toBe('fail');
      expect(report).toMatchObject({ clients: { connected: 20, dropped: 20 }, closes: { 1001: 20 } });
      const [deed, ...doubts] = report.verdict === 'fail' ? report.reasons : [];
      expect(deed).toContain('the server dropped 20 of 20 clients');
      expect(doubts.join()).toContain('nothing was proved');
    });

    test(`when half of the clients are refused (${client})`, async () => {
      await using server = await openRoomServer({ refuses: (number) => number % 2 === 0 });
      // So long that nothing is late here, however busy the machine.
      const report = await load({ ...scenario, deadline: '10s', target: server.url }, { client });
      expect(report.clients).toEqual({
        intended: 20,
        connected: 10,
        refused: 10,
        dropped: 0,
        reconnected: 0,
        peak: 10,
      });
      expect(report.ledger.lost).toBe(0);
      expect(report.verdict).not.toBe('pass');
      expect(report.errors).toContainEqual({ kind: 'http-503', count: 10, sample: expect.stringContaining('503') });
    });
  }

  test('when clients come and go so fast that every delivery is indeterminate', async () => {
    await using server = await openRoomServer();
    const client: Scenario['client'] = async (one) => {
      await one.publish();
      await one.received(1);
      await one.close();
    };
    const { schedule: _, ...rest } = scenario;
    // None of them stays so long, however busy the machine.
    const report = await load({ ...rest, deadline: '20s', client, target: server.url });
    expect(report.ledger.published).toBe(20);
    expect(report.ledger.expected).toBe(0);
    expect(report.ledger.indeterminate).toBeGreaterThan(0);
    expect(report.verdict).toBe('invalid');
  });

  test('when the server never acknowledges a join', async () => {
    // A server knows of a connection before its client does: who asks to join has come for both.
    const everybodyAsked = new AbortController();
    let asked = 0;
    await using server = await openRoomServer({
      onConnection: (socket) => socket.once('message', () => ++asked === 20 && everybodyAsked.abort()),
    });
    const adapter = {
      path: () => '/',
      join: () => [JSON.stringify({ type: 'join', room: 'one' })],
      isJoined: () => false,
      publish: (stamp: string) => stamp,
      stampOf: () => undefined,
    };
    const { signal } = everybodyAsked;
    const report = await load({ ...scenario, duration: '20s', adapter, target: server.url }, { signal });
    expect(report.verdict === 'invalid' && report.reasons[0]).toContain('no join was acknowledged');
  });

  test('when the server answers no upgrade before the run is over', async () => {
    const everybodyAsked = new AbortController();
    let asked = 0;
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => ++asked === 20 && everybodyAsked.abort());
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const { signal } = everybodyAsked;
    const report = await load({ ...scenario, target: `ws://127.0.0.1:${port}` }, { signal });
    silent.close();
    expect(report.clients).toMatchObject({ intended: 20, connected: 0, refused: 20 });
    expect(report.verdict).not.toBe('pass');
  });
});
