import { randomInt } from 'node:crypto';
import { SimulationError, type SimCase, type SimFailure, type SimReport } from './api/report.ts';
import type { SimulateOptions, Simulation } from './api/simulation.ts';
import type { System } from './api/system.ts';
import { exploreAll } from './explore/exhaustive.ts';
import { Guard } from './guard/guard.ts';
import { failureText, SimulationReport } from './report/report.ts';
import type { RunOutcome } from './run/run.ts';
import { Session } from './run/session.ts';
import { shrink } from './shrink/shrink.ts';
import { runSeedOf, runsMax } from './tape/seed.ts';

/**
 * Runs an app with many clients in virtual time, under faults, until something does not hold, or `runs` are over. The first failure is
 * repeated, shrunk and handed back; nothing is thrown for it (`unwrap` does). Globals are guarded only while a run is under way.
 *
 * @throws {RangeError} for a seed or a number of runs that is no whole number from 0 on
 */
export async function simulate<S extends System>(simulation: Simulation<S> & SimulateOptions): Promise<SimReport> {
  const options: SimulateOptions = simulation;
  const seed = checkCount('seed', options.seed ?? seedOfEnvironment() ?? randomInt(2 ** 31), Number.MAX_SAFE_INTEGER);
  const runs = checkCount('runs', options.runs ?? 100, runsMax);
  const startMs = performance.now();
  await using guard = await Guard.install(simulation.leaks ?? 'fail');
  const session = new Session(simulation as Simulation, guard);
  const isRandom = options.explore === undefined || options.explore === 'random';
  const found = isRandom
    ? await search(session, { ...options, seed, runs, startMs })
    : await exploreAll(session, {
        seed,
        ...(options.explore as { exhaustive: { steps: number; choicesMax: number } }).exhaustive,
        options,
      });
  const failure = found === undefined ? undefined : await handBack(session, found, options);
  return new SimulationReport({
    ...session.facts(simulation as Simulation),
    seed,
    failure,
    leaks: guard.leaks,
    ms: Math.round(performance.now() - startMs),
  });
}

/** One written-down case, as emitted tests have it. Rejects with {@link SimulationError} where it fails. */
export async function replay<S extends System>(simulation: Simulation<S>, simCase: SimCase): Promise<void> {
  await using guard = await Guard.install(simulation.leaks ?? 'fail');
  const session = new Session(simulation as Simulation, guard);
  const { failure } = await session.play(simCase);
  if (failure === undefined) return;
  const whole = { ...failure, run: 0, runSeed: simCase.seed, steps: simCase.steps, case: simCase };
  throw new SimulationError(whole, failureText(whole));
}

interface Found {
  readonly outcome: RunOutcome;
  readonly run: number;
  readonly runSeed: number;
}

interface SearchOptions extends SimulateOptions {
  readonly seed: number;
  readonly runs: number;
  readonly startMs: number;
}

/** Run after run, until one fails. */
async function search(session: Session, options: SearchOptions): Promise<Found | undefined> {
  const { seed, runs, startMs, budgetMs = Infinity, signal, onProgress } = options;
  for (let run = 0; run < runs; run += 1) {
    const runSeed = runSeedOf(seed, run);
    let outcome = await session.draw(runSeed, true);
    session.count(outcome);
    if (run === 0 || outcome.failure !== undefined) outcome = await session.confirm(runSeed, outcome);
    onProgress?.({ phase: 'run', count: run + 1, events: session.events, deliveries: session.deliveries });
    if (outcome.failure !== undefined) return { outcome, run, runSeed };
    if (signal?.aborted || performance.now() - startMs > budgetMs) break;
  }
  return undefined;
}

async function handBack(session: Session, found: Found, options: SimulateOptions): Promise<SimFailure> {
  const { outcome, run, runSeed } = found;
  const { failure } = outcome;
  if (failure === undefined) throw new Error('only a run that failed is handed back');
  const where = { run, runSeed };
  const isAsFound = options.shrink === false || failure.kind === 'nondeterminism' || options.signal?.aborted === true;
  const asFound = { ...failure, ...where, steps: outcome.simCase.steps, case: outcome.simCase };
  if (isAsFound) return asFound;
  const { triesMax = 600, timeMs = 15_000 } =
    options.shrink === undefined ? {} : (options.shrink as { triesMax?: number; timeMs?: number });
  const first = await session.play(outcome.simCase);
  if (first.failure?.kind !== failure.kind || first.failure.name !== failure.name) return asFound;
  const shrunk = await shrink({
    simulation: session.simulation,
    first,
    triesMax,
    timeMs,
    play: (simCase) => session.play(simCase),
    search: (at, of) => session.drawSmall(runSeed, at, of),
    onTry: (count, steps) => {
      const { events, deliveries } = session;
      options.onProgress?.({ phase: 'shrink', count, events, deliveries, steps });
    },
  });
  const { tries, ms, isComplete } = shrunk;
  const small = shrunk.outcome;
  return {
    ...(small.failure ?? failure),
    ...where,
    steps: small.simCase.steps,
    case: small.simCase,
    shrunk: { tries, ms, isComplete },
  };
}

function seedOfEnvironment(): number | undefined {
  const { CHANNELBOX_SEED: given } = process.env;
  return given === undefined || given === '' ? undefined : Number(given);
}

function checkCount(name: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`${name} is ${String(value)}; allowed is a whole number from 0 to ${max}`);
}
