import type { SimCase } from '../api/report.ts';
import type { SimulateOptions } from '../api/simulation.ts';
import type { RunOutcome } from '../run/run.ts';
import type { Session } from '../run/session.ts';
import { runSeedOf } from '../tape/seed.ts';

export interface ExploreOptions {
  readonly seed: number;
  /** Steps of the run whose schedules are tried. */
  readonly steps: number;
  /** Delays a schedule has at most. */
  readonly choicesMax: number;
  readonly options: SimulateOptions;
}

/**
 * This tries every schedule of one run's first steps with at most so many delays (Emmi, Qadeer, Rakamarić 2011,
 * delay-bounded scheduling). A delay lets one thing that was on its way come a millisecond later; one thing may be
 * delayed several times. Of two schedules with the same history one is followed further.
 */
export async function exploreAll(
  session: Session,
  { seed, steps, choicesMax, options }: ExploreOptions,
): Promise<{ outcome: RunOutcome; run: number; runSeed: number } | undefined> {
  const runSeed = runSeedOf(seed, 0);
  const first = await session.drawPlain(runSeed, steps);
  const base: SimCase = { ...first.simCase, draws: {} };
  const histories = new Set<string>();
  const startMs = performance.now();
  let schedules = 0;
  let pending: { draws: Record<string, number>; from: string | undefined }[] = [{ draws: {}, from: undefined }];
  while (pending.length > 0) {
    const next: typeof pending = [];
    for (const { draws, from } of pending) {
      const outcome = await session.play({ ...base, draws }, true);
      session.count(outcome);
      schedules += 1;
      options.onProgress?.({ phase: 'run', count: schedules, events: session.events, deliveries: session.deliveries });
      session.explored = { schedules, histories: histories.size };
      if (outcome.failure !== undefined) return { outcome, run: schedules - 1, runSeed };
      if (options.signal?.aborted || performance.now() - startMs > (options.budgetMs ?? Infinity)) return undefined;
      if (histories.has(outcome.hash)) continue;
      histories.add(outcome.hash);
      session.explored = { schedules, histories: histories.size };
      const used = Object.values(draws).reduce((sum, value) => sum + value, 0);
      if (used >= choicesMax) continue;
      // Only what comes at or after the last delay: each set of delays is made once.
      const start = from === undefined ? 0 : Math.max(0, outcome.listed.indexOf(from));
      for (const name of outcome.listed.slice(start)) {
        next.push({ draws: { ...draws, [name]: (draws[name] ?? 0) + 1 }, from: name });
      }
    }
    pending = next;
  }
  return undefined;
}
