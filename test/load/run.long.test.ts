import {
  burst,
  churn,
  constant,
  explicit,
  hold,
  load,
  poisson,
  rampTo,
  reconnectStorm,
  slowReaders,
  uniform,
  vanish,
  zipf,
  type Adapter,
  type Progress,
  type Scenario,
} from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { openRoomServer } from './room-server.ts';

const hasFaker = await import('@faker-js/faker').then(
  () => true,
  () => false,
);

const scenario: Scenario = {
  clients: 20,
  rooms: uniform(4),
  schedule: constant(5),
  duration: '1s',
  // Nothing is late because the machine is busy; a run that has received everything does not wait for it.
  deadline: '20s',
  adapter: 'json',
};
const clean = { lost: 0, duplicated: 0, reordered: 0, misrouted: 0, corrupt: 0, late: 0 };

const anything = { lost: expect.any(Number), late: expect.any(Number) };

// What these bring about in the ledger is tested to the last message in virtual time; here, that sockets take part in it, and
// have the seconds that a busy machine may need for it.
describe.concurrent('over the network', () => {
  for (const client of ['raw', 'ws'] as const) {
    test(`churn closes and replaces (${client})`, async () => {
      await using server = await openRoomServer();
      const clients = [rampTo(20, '100ms'), hold('5s'), churn(20, '1s'), hold('10s')];
      const report = await load({ ...scenario, clients, target: server.url, deadline: '500ms' }, { client });
      expect(report.clients.connected).toBeGreaterThan(20);
      expect(report.clients).toMatchObject({ refused: 0, dropped: 0, peak: 20 });
      expect(report.ledger).toMatchObject({ ...clean, ...anything });
      // Who is slow to answer is named so.
      const { 1000: left = 0, unanswered = 0 } = report.closes;
      expect(left + unanswered).toBe(report.clients.connected);
    });

    test(`clients vanish, and storm back until they are let in (${client})`, async () => {
      // Of those that come back, the first five attempts are turned away.
      await using server = await openRoomServer({ refuses: (number) => number > 20 && number <= 25 });
      const chaos = [reconnectStorm(0.5, { at: '5s', backoff: '50ms' }), vanish(0.1, { at: '15s' })];
      const report = await load(
        { ...scenario, duration: '18s', deadline: '500ms', target: server.url, chaos },
        { client },
      );
      // Ten of twenty, and two at the end; who was not there yet when it began is spared.
      const { intended, connected, ...others } = report.clients;
      expect(others).toEqual({ refused: 0, dropped: 0, reconnected: intended - 20, peak: 20 });
      expect(connected).toBe(intended);
      const came = intended - 20;
      expect(came).toBeGreaterThan(0);
      expect(came).toBeLessThanOrEqual(10);
      const { 1000: left = 0, chaos: cut = 0 } = report.closes;
      expect(left + cut).toBe(intended);
      expect(cut - came).toBeGreaterThan(0);
      expect(cut - came).toBeLessThanOrEqual(2);
      expect(report.errors).toContainEqual({ kind: 'http-503', count: 5, sample: expect.any(String) });
      expect(report.ledger).toMatchObject({ ...clean, ...anything });
    });

    test(`slow readers read what they have missed (${client})`, async () => {
      await using server = await openRoomServer();
      const chaos = [slowReaders(0.2, { from: '500ms', lasts: '400ms' })];
      const report = await load({ ...scenario, target: server.url, chaos }, { client });
      expect(report.ledger).toMatchObject(clean);
      expect(report.ledger.indeterminate).toBeGreaterThan(0);
      expect(report.latency.fanout.max).toBeGreaterThan(100);
      expect(report.clients.dropped).toBe(0);
    });
  }
});

describe.concurrent('a scenario', () => {
  test('with a client function drives each client from open to close, counted in the ledger too', async () => {
    const everybodyAsked = new Gate();
    let asked = 0;
    await using server = await openRoomServer({
      onConnection: (socket) => void socket.once('message', () => (asked += 1) === 20 && everybodyAsked.open()),
    });
    const done: number[] = [];
    const client: Scenario['client'] = async (one) => {
      // By then everybody has joined, and heard of it.
      await everybodyAsked.promise;
      await one.sleep('1s');
      for (let turn = 0; turn < 3; turn += 1) await one.publish({ turn });
      await one.received(12, { within: '60s' });
      done.push(one.index);
    };
    const report = await load({
      clients: 20,
      rooms: uniform(4),
      adapter: 'json',
      client,
      target: server.url,
      duration: '100s',
    });
    expect(done).toHaveLength(20);
    expect(report.ledger).toMatchObject({ ...clean, published: 60 });
    expect(report.ledger.received).toBe(report.ledger.expected);
    expect(report.series.at(-1)?.['atMs']).toBeLessThan(60_000);
  });

  test('whose client function throws fails, with the error', async () => {
    await using server = await openRoomServer();
    const client: Scenario['client'] = async (one) => {
      await one.publish();
      if (one.index === 3) await one.received(1_000, { within: '100ms' });
    };
    const report = await load({ clients: 20, rooms: uniform(4), adapter: 'json', client, target: server.url });
    expect(report.errors).toContainEqual({
      kind: 'client',
      count: 1,
      sample: expect.stringContaining('of 1000 within 100 ms'),
    });
    expect(report.verdict).not.toBe('pass');
  });

  test('whose payload or publish throws ends with that error', async () => {
    await using server = await openRoomServer();
    const payload = (): unknown => {
      throw new Error('no such word');
    };
    await expect(load({ ...scenario, target: server.url, payload })).rejects.toMatchObject({
      code: 'CHANNELBOX_LOAD_FAILED',
      message: expect.stringContaining('no such word'),
    });
  });

  // left out: where the optional peer that draws the words is not installed
  test.skipIf(!hasFaker)('says the same messages for the same seed, whatever the process', async () => {
    const said = async (seed: number): Promise<string[]> => {
      const texts: string[] = [];
      await using server = await openRoomServer({
        onConnection: (socket) =>
          void socket.on('message', (data) => void texts.push((data as Buffer).toString().replace(/~c[\w-]{35}/, ''))),
      });
      await load({
        ...scenario,
        seed,
        clients: 4,
        schedule: burst(3, '2s'),
        duration: '2s',
        target: server.url,
        payload: ({ faker, sequence }) => [sequence, faker.lorem.word()],
      });
      return texts.sort();
    };
    const [one, again, other] = await Promise.all([said(1), said(1), said(2)]);
    expect(one.length).toBe(4 + 12);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test('with rooms of unlike size and few speakers tells latency by size of room', async () => {
    await using server = await openRoomServer();
    const rooms = explicit({ hall: 16, nook: 4 });
    const report = await load({ ...scenario, rooms, speakers: 0.25, schedule: poisson(20), target: server.url });
    expect(report.environment['speakers']).toBe(5);
    expect(report.rooms.map(({ size, rooms: count }) => [size, count])).toEqual([
      [2, 1],
      [10, 1],
    ]);
    expect(report.ledger).toMatchObject(clean);
    const zipfed = await load({ ...scenario, rooms: zipf(5), target: server.url, duration: '300ms' });
    expect(zipfed.environment['rooms']).toBe(5);
  });

  test('with a warm-up counts nothing that was meant to be sent in it', async () => {
    let said = 0;
    await using server = await openRoomServer({
      onConnection: (socket) => void socket.on('message', (data) => (said += (data as Buffer).includes('~c') ? 1 : 0)),
    });
    const report = await load({ ...scenario, duration: '4s', warmup: '3s', target: server.url });
    expect(report.ledger.published).toBeGreaterThan(0);
    expect(said).toBeGreaterThan(report.ledger.published);
    // On a machine that stands still some join only behind the warm-up: what they may have missed is indeterminate.
    const { published, expected, indeterminate, received } = report.ledger;
    expect(report.ledger).toMatchObject({ ...clean, received: expected });
    expect(expected + indeterminate).toBe(published * 5);
    expect(report.latency.fanout.count).toBeGreaterThanOrEqual(received);
    expect(report.latency.fanout.count).toBeLessThanOrEqual(received + indeterminate);
  });

  test('over two targets sends room i to target i mod 2', async () => {
    await using one = await openRoomServer();
    await using other = await openRoomServer();
    const report = await load({ ...scenario, target: [one.url, other.url] });
    expect(report.ledger).toMatchObject(clean);
    expect(report.ledger.expected).toBeGreaterThan(300);
  });

  test('with a protocol that batches, replies and sends nothing back to the sender is accounted for', async () => {
    await using server = await openRoomServer();
    const adapter: Adapter = {
      path: () => '/',
      subprotocols: [],
      headers: ({ index }) => ({ 'x-client': String(index) }),
      // The step that joins is sent in answer to nothing but the opening; the acknowledgement is answered with a message of no stamp.
      join: ({ room }) => [JSON.stringify({ type: 'join', room })],
      isJoined: (frame) => String(frame).includes('joined'),
      reply: (frame) => (String(frame).includes('"ping"') ? ['{"type":"join","room":"nowhere"}'] : undefined),
      publish: (stamp, _payload, { room }) => JSON.stringify({ type: 'message', room, data: { stamp, list: [stamp] } }),
      stampOf: (frame) => (JSON.parse(String(frame)) as { data?: { list: string[] } }).data?.list,
    };
    for (const client of ['raw', 'ws'] as const) {
      const report = await load({ ...scenario, adapter, target: server.url }, { client });
      expect(report.ledger).toMatchObject(clean);
      expect(report.ledger.received).toBe(report.ledger.expected);
      expect(report.ledger.expected).toBeGreaterThan(300);
    }
  });

  test('reports progress, and an abort ends it early with a report of what there was', async () => {
    await using server = await openRoomServer();
    const progress: Progress[] = [];
    const controller = new AbortController();
    const onProgress = (now: Progress): void => {
      if (now.connected === 20) progress.push(now);
      if (progress.length === 3) controller.abort();
    };
    const report = await load(
      { ...scenario, duration: '1h', target: server.url },
      { signal: controller.signal, onProgress },
    );
    expect(progress.length).toBeGreaterThanOrEqual(3);
    expect(progress[0]).toMatchObject({ connected: 20, lost: 0 });
    expect(report.ledger).toMatchObject(clean);
    expect(report.ledger.expected).toBeGreaterThan(300);
    expect(report.marks.map(({ what }) => what)).toContain('interrupted');
  });

  test('with a threshold to abort on ends as soon as it is broken', async () => {
    await using server = await openRoomServer();
    const report = await load({
      ...scenario,
      duration: '1h',
      target: server.url,
      thresholds: ['fanout.p50 < 1us abort'],
    });
    expect(report.thresholds).toMatchObject([{ passed: false }]);
    expect(report.marks.map(({ what }) => what)).toContain('stopped early: fanout.p50 < 1us abort is broken');
  });
});

test('a sender that does not hear itself expects nothing of itself, and its own echo is misrouted', async () => {
  await using server = await openRoomServer();
  const deaf: Adapter = {
    path: () => '/',
    join: ({ room }) => [JSON.stringify({ type: 'join', room })],
    isJoined: (frame) => String(frame).includes('joined'),
    publish: (stamp, _payload, { room }) => JSON.stringify({ type: 'message', room, data: { stamp } }),
    stampOf: (frame) => (JSON.parse(String(frame)) as { data?: { stamp: string } }).data?.stamp,
    echoes: false,
  };
  const report = await load({ ...scenario, adapter: deaf, target: server.url });
  expect(report.ledger.misrouted).toBe(report.ledger.published);
  expect(report.ledger.received).toBe(report.ledger.expected);
  expect(report.ledger.expected).toBeGreaterThan(200);
  expect(report.ledger.expected).toBeLessThanOrEqual(report.ledger.published * 4);
  expect(report.verdict).toBe('fail');
});
