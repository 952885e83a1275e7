/** Every schedule of the framework's join, leave, resume, close and expiry, over a layer that answers late, within small bounds. */
import { describe, expect, test } from 'vitest';
import { simulate } from 'channelbox/testing/simulator';
import { explored } from './explored-scenes.ts';

const bounds = { steps: 8, choicesMax: 2 };
const seeds = [1, 2, 4, 5, 6, 8];

describe(`up to ${bounds.choicesMax} delays in the first ${bounds.steps} steps of ${seeds.length} runs`, () => {
  for (const [name, simulation] of Object.entries(explored)) {
    test(`nothing fails: ${name}`, async () => {
      let schedules = 0;
      let histories = 0;
      const vacuous = new Map<string, number>();
      for (const seed of seeds) {
        const report = await simulate({ ...simulation, seed, explore: { exhaustive: bounds } });
        expect(report.failure, report.toString()).toBeUndefined();
        schedules += report.explored?.schedules ?? 0;
        histories += report.explored?.histories ?? 0;
        for (const checker of report.vacuous) vacuous.set(checker, (vacuous.get(checker) ?? 0) + 1);
      }
      console.log(`${name}: all ${schedules} schedules, ${histories} different histories`);
      expect(schedules).toBeGreaterThan(1_000);
      // Somewhere among them each checker had something to look at.
      expect([...vacuous].filter(([, times]) => times === seeds.length)).toEqual([]);
    });
  }
});
