/**
 * The framework, the chat and the logic of the Redis layer under the simulator, with seeds drawn from the commit: two minutes in
 * all. The nightly run is
 * `npx channelbox simulate examples/chat/chat.sim.ts --budget 8h`.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { simulate, type Simulation } from 'channelbox/testing/simulator';
import chat from '../../examples/chat/chat.sim.ts';
import { root } from '../package/run.ts';
import { redisSimulation } from './redis-scene.ts';
import { roomApp, roomSimulation } from './room-app.ts';

/** The same for one commit, another for the next. */
const seed = Number.parseInt(
  execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).slice(0, 7),
  16,
);

const small = { maxBufferedBytes: 3_000, historyCount: 4 };
const simulations: readonly (readonly [name: string, simulation: Simulation])[] = [
  ['rooms over memory', roomSimulation(() => roomApp({ historyCount: 4 }))],
  ['rooms over a layer, one node', roomSimulation((env) => roomApp({ historyCount: 4, layer: env.layer }))],
  ['rooms on three nodes', { ...roomSimulation((env) => roomApp({ historyCount: 4, layer: env.layer })), nodes: 3 }],
  ['slow readers', { ...roomSimulation(() => roomApp(small)), faults: ['slowReader', 'stall', 'cut'] }],
  ['the chat on one node', { ...chat, nodes: 1 }],
  ['the chat on three nodes', chat],
  ['the Redis layer, its broker at fault', redisSimulation()],
  ['the Redis layer, a short history', redisSimulation({ historyCount: 4 })],
];

const budgetMs = 120_000 / simulations.length;

describe(`seed ${seed}`, () => {
  for (const [name, simulation] of simulations) {
    test(`nothing fails: ${name}`, async () => {
      const report = await simulate({ ...simulation, seed, runs: 100_000, budgetMs });
      console.log(`${name}: ${report.toString()}`);
      expect(report.ok, report.toString()).toBe(true);
    });
  }
});
