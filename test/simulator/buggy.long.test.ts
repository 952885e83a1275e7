import { describe, expect, test } from 'vitest';
import { replay, simulate, SimulationError } from 'channelbox/testing/simulator';
import { buggyApps } from './buggy-apps.ts';

describe('an app with one mistake', () => {
  for (const { name, found, simulation } of buggyApps) {
    test(`is found, shrunk and written down: ${name}`, async () => {
      const report = await simulate({ ...simulation(false), seed: 7, runs: 200 });
      const { failure } = report;
      expect(failure?.name, report.toString()).toBe(found);
      if (failure === undefined) return;
      expect(failure.steps.length, report.toString()).toBeLessThanOrEqual(10);
      expect(failure.witness.length).toBeLessThanOrEqual(4);

      await expect(replay(simulation(false), failure.case)).rejects.toThrow(SimulationError);
      await expect(replay(simulation(false), failure.case)).rejects.toThrow(found);
      await expect(replay(simulation(true), failure.case)).resolves.toBeUndefined();
    });

    test(`without it nothing is found: ${name}`, async () => {
      const report = await simulate({ ...simulation(true), seed: 7, runs: 60 });
      expect(report.failure, report.toString()).toBeUndefined();
    });
  }
});
