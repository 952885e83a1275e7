import { App } from 'channelbox';
import {
  churn,
  constant,
  hold,
  load,
  rampTo,
  reconnectStorm,
  slowReaders,
  spike,
  uniform,
  vanish,
  type Scenario,
} from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { createChat } from '../../examples/chat/chat.ts';
import { TestClock } from 'channelbox/testing';

const scenario: Scenario = {
  seed: 7,
  clients: 60,
  rooms: uniform(6),
  schedule: constant(1),
  duration: '1m',
  deadline: '2s',
  adapter: 'chat',
  payload: ({ sender, sequence }) => `message ${sequence} of ${sender}`,
  app: ({ clock }) => createChat({ clock, rateLimit: false }),
};

const clean = { lost: 0, duplicated: 0, reordered: 0, misrouted: 0, corrupt: 0, late: 0 };

describe('a scenario in process', () => {
  test('runs a minute in virtual time, with every delivery accounted for', async () => {
    const report = await load(scenario, { inproc: true });
    expect(report).toMatchObject({ verdict: 'pass', clients: { intended: 60, connected: 60, peak: 60 } });
    expect(report.ledger).toMatchObject(clean);
    expect(report.ledger.received).toBe(report.ledger.expected);
    expect(report.ledger.expected).toBeGreaterThan(60 * 55 * 10);
    expect(report.latency.fanout.max).toBe(0);
    expect(report.series.at(-1)?.['atMs']).toBeGreaterThan(60_000);
  });

  test('gives the same report byte for byte for the same seed, chaos and churn included, and another for another', async () => {
    const stormy: Scenario = {
      ...scenario,
      clients: [rampTo(30, '10s'), churn(2, '50s')],
      rooms: uniform(3),
      chaos: [
        slowReaders(0.1, { from: '20s', lasts: '10s' }),
        vanish(0.1, { at: '30s' }),
        reconnectStorm(0.3, { at: '40s' }),
      ],
      thresholds: ['indeterminate >= 0'],
    };
    const written = async (seed: number): Promise<string> =>
      JSON.stringify(await load({ ...stormy, seed }, { inproc: true }));
    const one = await written(1);
    expect(await written(1)).toBe(one);
    expect(await written(2)).not.toBe(one);
    const report = JSON.parse(one) as Awaited<ReturnType<typeof load>>;
    expect(report.ledger).toMatchObject(clean);
    expect(report.ledger.expected).toBeGreaterThan(5_000);
    expect(report.clients).toMatchObject({ refused: 0, dropped: 0 });
    expect(report.marks.map(({ what }) => what)).toContain('reconnectStorm begins: 9 clients');
  });

  test('ramps, spikes and holds the clients that its stages say, at their time', async () => {
    const clients = [rampTo(40, '10s'), spike(20, '10s'), hold('5s'), rampTo(10, '5s'), hold('10s')];
    const report = await load({ ...scenario, clients }, { inproc: true });
    expect(report.clients).toEqual({ intended: 60, connected: 60, refused: 0, dropped: 0, reconnected: 0, peak: 60 });
    expect(report.ledger).toMatchObject(clean);
    expect(report.ledger.expected).toBeGreaterThan(5_000);
    expect(report.ledger.indeterminate).toBeGreaterThan(100);
    expect(report.marks).toEqual([
      { atMs: 0, what: 'rampTo 40' },
      { atMs: 10_000, what: 'spike 20' },
      { atMs: 20_000, what: 'hold' },
      { atMs: 25_000, what: 'rampTo 10' },
      { atMs: 30_000, what: 'hold' },
      { atMs: 40_000, what: 'speaking ends' },
    ]);
    const at = (second: number): number | undefined => report.series[second - 1]?.['connected'];
    expect([at(5), at(9), at(15), at(22), at(35)]).toEqual([20, 36, 60, 40, 10]);
    expect(report.closes).toEqual({ 1000: 60 });
  });

  test('expects nothing of clients under chaos, and blames nobody for it', async () => {
    const chaos = [slowReaders(0.1, { from: '20s', lasts: '20s' })];
    const slow = await load({ ...scenario, chaos }, { inproc: true });
    expect(slow.ledger).toMatchObject(clean);
    // Six of sixty in rooms of ten, ten messages a second each, from a deadline before the chaos to its end.
    expect(slow.ledger.indeterminate).toBeGreaterThan(6 * 10 * 21);
    expect(slow.ledger.indeterminate).toBeLessThan(6 * 10 * 24);
    const gone = await load({ ...scenario, chaos: [vanish(0.25, { at: '30s' })] }, { inproc: true });
    expect(gone.closes).toEqual({ 1000: 45, chaos: 15 });
    expect(gone.ledger).toMatchObject(clean);
    expect(gone.clients.dropped).toBe(0);
  });

  test('from a file runs as it does from an object', async () => {
    const inproc = true;
    const overrides = { clients: 40, rooms: uniform(4), duration: '5s', warmup: '1s' } as const;
    const report = await load(new URL('../../load/scenarios/chat.ts', import.meta.url), { inproc, overrides });
    expect(report).toMatchObject({ verdict: 'pass', scenario: 'chat', seed: 42 });
    expect(report.ledger.expected).toBeGreaterThan(100);
  });

  test('finds a server that loses, doubles and leaks', async () => {
    let said = 0;
    const app: Scenario['app'] = ({ clock }) =>
      new App({ clock }).addWsRoute('/room/{name}', async (ws, { name }) => {
        await ws.accept();
        await ws.join(name);
        await ws.sendText('"joined"');
        for await (const { data } of ws) {
          said += 1;
          if (said % 100 === 1) continue;
          const message = JSON.parse(String(data)) as unknown;
          await ws.channelBox.groupSend(name, message);
          if (said % 100 === 2) await ws.channelBox.groupSend(name, message);
          if (said % 100 === 3) await ws.channelBox.groupSend(name === 'room-0' ? 'room-1' : 'room-0', message);
        }
      });
    const adapter: Scenario['adapter'] = {
      path: ({ room }) => `/room/${room}`,
      isJoined: (frame) => frame === '"joined"',
      publish: (stamp) => JSON.stringify({ stamp }),
      stampOf: (frame) => (JSON.parse(String(frame)) as { stamp?: string }).stamp,
    };
    const { ledger, verdict } = await load({ ...scenario, app, adapter, warmup: '1s' }, { inproc: true });
    const nth = (remainder: number): number =>
      Array.from({ length: said }, (_, index) => index + 1).filter((number) => number % 100 === remainder).length;
    expect(verdict).toBe('fail');
    expect(said).toBeGreaterThan(3_000);
    // Each sin is against a room of ten; the first one fell into the warm-up.
    expect(ledger.lost).toBe((nth(1) - 1) * 10);
    expect(ledger.duplicated).toBe((nth(2) - 1) * 10);
    expect(ledger.misrouted).toBe((nth(3) - 1) * 10);
  });

  test('reports an error that a handler of the app throws, and one without an app is refused', async () => {
    const app: Scenario['app'] = ({ clock }) =>
      new App({ clock, logger: { debug() {}, info() {}, warn() {}, error() {} } }).addWsRoute(
        '/room/{name}',
        async (ws) => {
          await ws.accept();
          await ws.receive();
          throw new Error('spilt milk');
        },
      );
    const report = await load(
      { ...scenario, app, adapter: { path: () => '/room/1', publish: (stamp) => stamp, stampOf: String } },
      { inproc: true },
    );
    expect(report.errors).toContainEqual({ kind: 'handler', count: 60, sample: 'Error: spilt milk' });
    expect(report.closes).toEqual({ 1011: 60 });
    expect(report.verdict).not.toBe('pass');
    const { app: _, ...rest } = scenario;
    await expect(load(rest, { inproc: true })).rejects.toMatchObject({ code: 'CHANNELBOX_LOAD_NO_APP' });
  });

  test('with a warm-up counts what was meant to be sent after it, to the message', async () => {
    const report = await load({ ...scenario, duration: '10s', warmup: '4s' }, { inproc: true });
    const { published } = report.ledger;
    // Six seconds of sixty clients; who speaks on the edge itself may count once more.
    expect(published - 60 * 6).toBeGreaterThanOrEqual(0);
    expect(published - 60 * 6).toBeLessThan(4);
    expect(report.ledger).toMatchObject({ ...clean, expected: published * 10, indeterminate: 0 });
    expect(report.latency.fanout.count).toBe(report.ledger.received);
  });

  test('whose app takes no clock is given the virtual one', async () => {
    const report = await load({ ...scenario, app: () => createChat({ rateLimit: false }) }, { inproc: true });
    expect(report.verdict).toBe('pass');
    expect(new TestClock().monotonic()).toBe(0);
  });
});
