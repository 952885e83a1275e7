import type { Progress } from '../../message.ts';
import { TestClock } from '../../../testing/index.ts';
import { Coordinator } from '../coordinator.ts';
import { Generator } from '../../generator/generator.ts';
import { noHealth } from '../../generator/measure/health.ts';
import { fakerFor } from '../../generator/process/task.ts';
import { LoadError } from '../../load-error.ts';
import { refuseTooLarge } from '../memory.ts';
import { summaryOf, runPlanOf, type RunPlan } from '../../plan/run-summary.ts';
import { planOf } from '../../plan/plan.ts';
import { hash32, MemoryTransport, seeded, uuidFrom } from '../../../src/internal.ts';
import { reportOf, type RunResults } from '../../result/assemble.ts';
import type { ResolvedScenario } from '../../scenario/resolved.ts';
import type { RunReport } from '../../result/run-report.ts';
import { dialMemory } from './memory-connection.ts';
import { startApp } from './start-app.ts';
import { ClockLoadTime } from './virtual-time.ts';

export interface InProcessOptions {
  /** What a message calls the scenario: its file, or its name. */
  readonly origin: string;
  /** How many clients tell their conversation, and to whom. */
  readonly traced?: number;
  readonly onTrace?: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly onPlan?: (plan: RunPlan) => void;
  readonly onProgress?: (progress: Progress) => void;
}

const appStream = 6;
const runStream = 7;

/** A place to connect to that is none: only the path of it reaches the app. */
const nowhere = 'ws://localhost/';

/**
 * Runs a scenario against its own `app`, in memory and in virtual time: hours take minutes, and the same seed gives the
 * same report byte for byte. The app has to take time from `app.clock`, as the framework itself does.
 * @throws {LoadError} `CHANNELBOX_LOAD_NO_APP` when the scenario has no `app`
 * @throws {ScenarioError} `CHANNELBOX_SCENARIO_APP` when that cannot be started
 */
export async function runInProcess(scenario: ResolvedScenario, options: InProcessOptions): Promise<RunReport> {
  if (scenario.app === undefined) {
    throw new LoadError(
      'CHANNELBOX_LOAD_NO_APP',
      'the scenario has no app to run in process; give it `app: ({ clock }) => new App({ clock })`, or a target',
    );
  }
  const clock = new TestClock();
  const idRandom = seeded(scenario.seed, appStream, 1);
  const problems = new Map<string, number>();
  const app = await startApp(scenario.app, {
    clock,
    random: seeded(scenario.seed, appStream),
    probe: {
      clock,
      uuid: () => uuidFrom(idRandom),
      failed: (error) => void problems.set(String(error), (problems.get(String(error)) ?? 0) + 1),
    },
    origin: options.origin,
  });
  const plan = planOf(scenario, 1);
  const summary = summaryOf(plan);
  refuseTooLarge(summary);
  const time = new ClockLoadTime(clock);
  const transport = new MemoryTransport((upgrade) => app.handle(upgrade));
  let receive: Coordinator['receive'] = () => undefined;
  const generator = new Generator({
    plan,
    process: 0,
    run: hash32(scenario.seed, runStream) & 0xffffff,
    targets: [{ url: nowhere, address: '127.0.0.1' }],
    localAddresses: [],
    tls: undefined,
    traced: options.traced ?? 0,
    dial: dialMemory(transport),
    scans: true,
    time,
    health: noHealth,
    faker: await fakerFor(scenario),
    emit: (message) => receive(0, message),
  });
  const { signal, onPlan, onProgress, onTrace } = options;
  onPlan?.(runPlanOf(summary));
  const coordinator = new Coordinator({
    summary,
    ports: [{ send: (message) => generator.handle(message) }],
    time,
    signal,
    onProgress,
    onTrace,
  });
  receive = (index, message) => coordinator.receive(index, message);
  const findings = await drive(coordinator.run(), clock, transport);
  await rest(transport);
  return reportOf({
    summary,
    findings,
    environment: { placement: 'in process, virtual time', elapsedMs: findings.elapsedMs },
    extra: {
      errors: [...problems].map(([sample, count]) => ({ kind: 'handler', count, sample })),
      histograms: {},
      generator: {},
    },
  });
}

/** Moves time on whenever nothing else moves, until the run is over. */
async function drive(run: Promise<RunResults>, clock: TestClock, transport: MemoryTransport): Promise<RunResults> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  run.then(over, over);
  while (!isOver) {
    await rest(transport);
    if (!isOver) await clock.next();
  }
  return await run;
}

/** Nothing is on its way, and nobody has put anything on its way for a few turns. */
async function rest(transport: MemoryTransport): Promise<void> {
  for (let quietTurns = 0; quietTurns < 2; quietTurns += 1) {
    await new Promise(setImmediate);
    if (transport.isBusy) quietTurns = -1;
  }
}
