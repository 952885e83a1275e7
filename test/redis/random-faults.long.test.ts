import { describe, expect, test } from 'vitest';
import { randomFrom } from '../layer/broker.ts';
import { requirement } from '../requirement.ts';
import { clean } from './processes/books.ts';
import { faultRun } from './processes/fault-run.ts';
import { lossy, processFaults } from './processes/faults.ts';

const program = requirement('redis-server');
/** `npm run test:redis-seeds` runs 500; `CHANNELBOX_SEED` is the first. */
const seeds = Number(process.env['CHANNELBOX_SEEDS'] ?? 8);
const first = Number(process.env['CHANNELBOX_SEED'] ?? 1);
const atOnce = 2;

/** One to three faults, one after another; histories that are too short for what is missed, now and then. */
function planOf(seed: number): { readonly faults: readonly string[]; readonly countMax: number } {
  const random = randomFrom(seed * 7_919);
  const all = Object.keys(processFaults);
  const count = 1 + Math.floor(random() * 3);
  const faults = Array.from({ length: count }, () => all[Math.floor(random() * all.length)] as string);
  return { faults, countMax: random() < 0.2 ? 60 : 100_000 };
}

describe.skipIf(program === undefined)('under faults by chance, nothing is lost in silence', () => {
  test(`in ${seeds} runs from seed ${first} on`, { timeout: 60_000 + seeds * 60_000 }, async () => {
    const histogram = new Map<string, number>();
    const totals = { acked: 0, delivered: 0, resumed: 0, missed: 0, notSent: 0, unknown: 0 };
    const waiting = Array.from({ length: seeds }, (_, at) => first + at);
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
        const plan = planOf(seed);
        const { findings, proofs, examples } = await faultRun({
          program: program ?? '',
          ...plan,
          seed,
          ackedMin: 1_000,
        });
        for (const [at, name] of plan.faults.entries()) {
          if ((proofs[at] ?? 0) > 0) histogram.set(name, (histogram.get(name) ?? 0) + 1);
        }
        for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += findings[name];
        const isSilent = Object.keys(clean).every((name) => findings[name as keyof typeof clean] === 0);
        const isHarmless = plan.countMax > 1_000 && !plan.faults.some((name) => lossy.has(name));
        if (!isSilent || (isHarmless && findings.missed > 0)) failures.push({ seed, ...plan, findings, examples });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    const rows = [...histogram].toSorted(([, one], [, other]) => other - one);
    process.stdout.write(
      `${seeds} runs, ${JSON.stringify(totals)}; what happened in them:\n${rows.map(([name, count]) => `${count}\t${name}`).join('\n')}\n`,
    );
    expect(failures).toEqual([]);
  });
});
