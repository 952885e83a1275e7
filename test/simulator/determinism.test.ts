import * as channelbox from 'channelbox';
import { expect, test } from 'vitest';
import { simulate, SimulationError } from 'channelbox/testing/simulator';
import { Guard } from '../../testing/simulator/guard/guard.ts';
import { Session } from '../../testing/simulator/run/session.ts';
import { runSeedOf } from '../../testing/simulator/tape/seed.ts';
import { roomApp, roomSimulation } from './room-app.ts';
import { smallApp } from './small-app.ts';

test('the same seed makes the same history, and another seed another', async () => {
  const hashes: string[] = [];
  for (const seed of [1, 1, 2]) hashes.push((await simulate({ ...roomSimulation(), seed, runs: 15 })).hash);
  expect(hashes[1]).toBe(hashes[0]);
  expect(hashes[2]).not.toBe(hashes[0]);
});

test('the same seed makes the same history on several nodes behind one layer', async () => {
  const simulation = { ...roomSimulation((env) => roomApp({ layer: env.layer })), nodes: 3, seed: 5, runs: 25 };
  const first = await simulate(simulation);
  expect((await simulate(simulation)).hash).toBe(first.hash);
  expect(first.unwrap().deliveries).toBeGreaterThan(100);
});

test('the history of a seed is the same on every Node', async () => {
  const { hash } = await simulate({ ...smallApp(channelbox), seed: 11, runs: 30 });
  // Written down so that each Node of the CI must come to it; a change of what the framework does, or when, changes it.
  expect(hash).toBe('f803a8293a7cd579');
});

test('a run that is written down is the run that was drawn', async () => {
  await using guard = await Guard.install('fail');
  const session = new Session(
    roomSimulation((env) => roomApp({ layer: env.layer })),
    guard,
  );
  for (let at = 0; at < 15; at += 1) {
    const drawn = await session.draw(runSeedOf(3, at));
    expect((await session.play(drawn.simCase)).hash).toBe(drawn.hash);
  }
});

test('whatever one action does keeps to the numbers of its step', async () => {
  await using guard = await Guard.install('fail');
  const session = new Session(
    {
      system: () =>
        new channelbox.App().wsRoute('/', async (ws) => {
          await ws.accept();
          for await (const text of ws.iterText()) await ws.sendText(text);
        }),
      actions: {
        flood: (c, g) => {
          for (let at = 0; at < 1_500; at += 1) c.send(g.stamp());
        },
      },
      steps: 20,
      clients: 1,
      churn: 0,
      faults: 'none',
    },
    guard,
  );
  const drawn = await session.draw(runSeedOf(5, 0));
  const ids = drawn.written.map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(2_000);
  expect(ids).toEqual([...new Set(ids)].toSorted((one, other) => one - other));
  expect(new Set(ids.map(Math.floor)).size).toBeLessThanOrEqual(20);
  const again = await session.play({ ...drawn.simCase, steps: drawn.written });
  expect(again.deliveries).toBe(drawn.deliveries);
});

test('what an action draws after it has waited is written down, though it drew nothing before', async () => {
  await using guard = await Guard.install('fail');
  const session = new Session(
    {
      ...roomSimulation(),
      actions: {
        ponder: async (c, g) => {
          g.int(2);
          await c.sleep(g.int(3));
          c.sendJson({ do: 'say', text: `${g.stamp()} ${g.int(1_000)}` });
        },
      },
    },
    guard,
  );
  for (let at = 0; at < 15; at += 1) {
    const drawn = await session.draw(runSeedOf(7, at));
    expect((await session.play(drawn.simCase)).hash).toBe(drawn.hash);
  }
});

test('a failure is seen whole, though the first look at a run leaves out where calls are made', async () => {
  const { App, ChannelBox, consumer } = channelbox;
  const report = await simulate({
    system: (env) =>
      new App({ channelBox: new ChannelBox({ layer: env.layer }) }).addWsRoute(
        consumer('/', {
          async onConnect(ws) {
            await ws.accept();
            void this.resumeGroup('g', { first: () => Promise.reject(new Error('the page is lost')) });
          },
        }),
      ),
    actions: { say: (c) => c.send('hello') },
    faults: 'none',
    seed: 4,
    runs: 5,
    shrink: false,
  });
  expect(report.failure?.stack).toMatch(/the page is lost[^]+resume\(\) was called[^]+determinism[.]test/);
  expect(Object.keys(report.failure?.case.draws ?? {})).not.toEqual([]);
});

test('seeds do not share runs', () => {
  const seeds = new Set<number>();
  for (let seed = 0; seed < 1_000; seed += 1) for (let at = 0; at < 200; at += 1) seeds.add(runSeedOf(seed, at));
  expect(seeds.size).toBe(200_000);
});

test('what outlives a run is nondeterminism, with the first event that differs, and is never shrunk', async () => {
  let runs = 0;
  const report = await simulate({
    ...roomSimulation(() => {
      runs += 1;
      const count = runs;
      return new channelbox.App().wsRoute('/room/{room}', async (ws) => {
        await ws.accept();
        await ws.sendText(`run ${count}`);
        await ws.receive();
      });
    }),
    checkers: [],
    seed: 2,
    runs: 30,
  });
  expect(report.failure?.kind).toBe('nondeterminism');
  expect(report.failure?.shrunk).toBeUndefined();
  expect(report.failure?.message).toContain('differ at event');
  expect(report.failure?.witness.length).toBeGreaterThan(0);
});

test('globals are the originals, by identity, after a simulation, and after one that throws', async () => {
  const globals = (): unknown[] => [
    Date,
    Date.now,
    Math.random,
    setTimeout,
    setImmediate,
    fetch,
    performance.now,
    process.hrtime,
    WeakRef,
    AbortSignal.timeout,
    crypto.randomUUID,
    Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format')?.get,
    ...process.listeners('unhandledRejection'),
  ];
  const before = globals();
  await simulate({ ...roomSimulation(), seed: 1, runs: 2 });
  await expect(simulate({ ...roomSimulation(), seed: -1, runs: 2 })).rejects.toThrow('seed is -1');
  const broken = await simulate({
    ...roomSimulation(() => {
      throw new Error('no app today');
    }),
    seed: 1,
    runs: 2,
  });
  expect(broken.failure).toMatchObject({ kind: 'error', name: 'Error in system', message: 'no app today' });
  expect(() => broken.unwrap()).toThrow(SimulationError);
  for (const [at, value] of globals().entries()) expect(value).toBe(before[at]);
});
