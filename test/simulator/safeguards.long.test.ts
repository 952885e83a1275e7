import { describe, expect, test } from 'vitest';
import type { App } from 'channelbox';
import { simulate, type Simulation } from 'channelbox/testing/simulator';
import { redisSimulation, type RedisOptions } from './redis-scene.ts';

const seeds = [1, 2, 3] as const;
const runsMax = 200;

interface Scene {
  readonly options: RedisOptions;
  readonly more?: Partial<Simulation<App>>;
}

/** Of each safeguard of the Redis layer what it is there for; nothing else befalls the broker then, and clients stay. */
const scenes: Readonly<Record<NonNullable<RedisOptions['without']>, Scene>> = {
  fence: { options: { faults: ['come back old', 'remember'] } },
  // Whoever looks for what was lost learns without it that nothing is heard any more.
  probe: { options: { faults: ['deaf'], verifyMs: 0 } },
  // The last message of a run is the one that no other tells of.
  verification: { options: { faults: ['lose'], talk: 0.7 }, more: { steps: 24 } },
  cursor: { options: { faults: ['lose'] } },
};

function sceneOf(name: keyof typeof scenes, isWithout: boolean): Simulation<App> {
  const { options, more } = scenes[name];
  const simulation = redisSimulation(isWithout ? { ...options, without: name } : options);
  return { ...simulation, churn: 0.05, ...more, sometimes: {} };
}

describe.each(Object.keys(scenes) as (keyof typeof scenes)[])('the %s of the Redis layer', (name) => {
  test(`is missed within ${runsMax} runs at each of three seeds where it is taken away`, async () => {
    for (const seed of seeds) {
      const report = await simulate({ ...sceneOf(name, true), seed, runs: runsMax, shrink: { timeMs: 5_000 } });
      expect(report.failure?.kind, `seed ${seed}: ${report.toString()}`).toBe('checker');
    }
  }, 120_000);

  test('is enough for what it is there for', async () => {
    const report = await simulate({ ...sceneOf(name, false), seed: 4, runs: runsMax });
    expect(report.ok, report.toString()).toBe(true);
  }, 60_000);
});
