import { describe, expect, test } from 'vitest';
import { randomFrom } from '../layer/broker.ts';
import { requirement } from '../requirement.ts';
import { faultRun, faults } from './fault-run.ts';
import { clean } from './witness.ts';

const program = requirement('redis-server');
/** `CHANNELBOX_SEEDS=500 npx vitest run test/redis/random-faults` runs as many; `CHANNELBOX_SEED` is the first. */
const seeds = Number(process.env['CHANNELBOX_SEEDS'] ?? 8);
const first = Number(process.env['CHANNELBOX_SEED'] ?? 1);

describe.skipIf(program === undefined)('under faults by chance, nothing is lost in silence', () => {
  test(`of ${seeds} seeds from ${first} on`, { timeout: 30_000 + seeds * 40_000 }, async () => {
    const histogram = new Map<string, number>();
    let acked = 0;
    for (let seed = first; seed < first + seeds; seed += 1) {
      const random = randomFrom(seed * 7_919);
      const names = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
        const all = Object.keys(faults);
        return all[Math.floor(random() * all.length)] as string;
      });
      const chosen = names.map((name) => faults[name] as (typeof faults)[string]);
      const countMax = random() < 0.3 ? 40 : 10_000;
      const { findings, examples } = await faultRun({ program: program ?? '', random, countMax }, chosen);
      for (const name of names) histogram.set(name, (histogram.get(name) ?? 0) + 1);
      acked += findings.acked;
      expect({ seed, names, countMax, ...findings, examples }).toMatchObject(clean);
    }
    const rows = [...histogram].toSorted(([, one], [, other]) => other - one);
    process.stdout.write(
      `${seeds} runs, ${acked} acknowledged\n${rows.map(([name, count]) => `${count}\t${name}`).join('\n')}\n`,
    );
  });
});
