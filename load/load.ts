import type { GeneratorPort, Progress } from './message.ts';
import { randomInt } from 'node:crypto';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Coordinator } from './run/coordinator.ts';
import { reach, sourceAddresses } from './generator/process/addresses.ts';
import type { TargetAddress } from './generator/client/generator-context.ts';
import type { Generator } from './generator/generator.ts';
import { isGeneratorProcess } from './generator/process/generator-process.ts';
import { startHttpLoad, type HttpLoad } from './run/http.ts';
import { GeneratorPool } from './generator/process/pool.ts';
import {
  makeGenerator,
  planFor,
  scenarioOf,
  type GeneratorTask,
  type ScenarioSource,
} from './generator/process/task.ts';
import { masked, schemeProblem } from './address.ts';
import { environmentOf, processesFor } from './run/environment.ts';
import { runInProcess } from './run/inproc/run-in-process.ts';
import { LoadError, TargetError } from './load-error.ts';
import { refuseTooLarge } from './run/memory.ts';
import { summaryOf, runPlanOf, type RunSummary, type RunPlan } from './plan/run-summary.ts';
import { reportOf, type RunResults } from './result/assemble.ts';
import type { RunReport } from './result/run-report.ts';
import type { Scenario, ScenarioOverrides } from './scenario/scenario.ts';
import { MachineTime } from './time.ts';

export type { ScenarioOverrides };

/** How a scenario is run. */
export interface LoadOptions {
  /** In place of the scenario's. */
  target?: string | readonly string[];
  /** Default `'ws'`. */
  client?: 'ws' | 'raw';
  /** Runs the scenario's `app` in this process, on the memory transport and virtual time. */
  inproc?: boolean;
  /** Ends the run early: it drains, and reports what it has. */
  signal?: AbortSignal;
  /** Once, before the first client connects. */
  onPlan?: (plan: RunPlan) => void;
  /** About once a second. */
  onProgress?: (progress: Progress) => void;
  /** In place of the scenario's keys: what the command line's flags say. */
  overrides?: ScenarioOverrides;
  /** Generator processes for a path or URL; left out: by clients, cores and descriptors. */
  processes?: number;
  /** Source addresses to connect from; left out: 127.x.y.z towards a loopback target, one per 100 clients, else the system's choice. */
  localAddresses?: readonly string[];
  /** The first so many clients tell their whole conversation to `onTrace`, line by line. */
  trace?: number;
  onTrace?: (line: string) => void;
  /** Requests to the server's HTTP side meanwhile, by autocannon, an optional peer. */
  http?: HttpLoad;
}

/** What a bare address is loaded with: ten clients that echo once a second. */
const bareScenario: Scenario = { name: 'quick', clients: 10, duration: '10s' };

/**
 * Runs a load and accounts for every delivery. A path or URL of a scenario runs in child processes, each importing it; an
 * object runs in this process as one generator; a `ws://…` address is loaded with the defaults and the echo adapter.
 * @throws {ScenarioError} before the first connection: `CHANNELBOX_SCENARIO_INVALID`, `CHANNELBOX_SCENARIO_NOT_FOUND`,
 * `CHANNELBOX_SCENARIO_TOO_LARGE`; of `inproc` also `CHANNELBOX_SCENARIO_APP`, when the app cannot be started
 * @throws {TargetError} `CHANNELBOX_TARGET_UNREACHABLE` when nothing answers there, `CHANNELBOX_TARGET_MISSING` without an address
 * @throws {LoadError} `CHANNELBOX_LOAD_FAILED` when the scenario's own functions throw or a generator dies, `CHANNELBOX_LOAD_NO_APP` for
 * `inproc` without an `app`
 * @throws {ChannelBoxError} `CHANNELBOX_NO_PEER` where something optional is not installed
 */
export async function load(scenario: Scenario | URL | string, options: LoadOptions = {}): Promise<RunReport> {
  if (isGeneratorProcess) {
    throw new LoadError(
      'CHANNELBOX_LOAD_FAILED',
      'a generator imported this file to get its scenario, and it calls load(); export the scenario from a file of its own',
    );
  }
  refuseOtherSchemes(scenario);
  const source = sourceOf(scenario, options);
  if (options.inproc === true) {
    const resolved = await scenarioOf(source);
    const origin = source.href === undefined ? `the scenario ${resolved.name}` : fileURLToPath(source.href);
    return runInProcess(resolved, { ...options, traced: options.trace ?? 0, origin });
  }
  return source.href === undefined && !isAddress(scenario) ? runHere(source, options) : runInProcesses(source, options);
}

function sourceOf(scenario: Scenario | URL | string, options: LoadOptions): ScenarioSource {
  const target = options.target === undefined ? {} : { target: options.target };
  const overrides = { ...options.overrides, ...target };
  if (isAddress(scenario))
    return {
      plain: { ...bareScenario, target: scenario instanceof URL ? scenario.href : (scenario as string) },
      overrides,
    };
  if (scenario instanceof URL) return { href: scenario.href, overrides };
  if (typeof scenario === 'string')
    return { href: (scenario.startsWith('file:') ? new URL(scenario) : pathToFileURL(scenario)).href, overrides };
  return { plain: scenario, overrides };
}

/** An address of another kind is no file either, so it is told apart before one is looked for. */
function refuseOtherSchemes(scenario: Scenario | URL | string): void {
  if (typeof scenario !== 'string' && !(scenario instanceof URL)) return;
  const text = scenario.toString();
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text) || text.startsWith('file:')) return;
  const problem = URL.canParse(text) ? schemeProblem(text) : undefined;
  if (problem !== undefined) throw new TargetError('CHANNELBOX_TARGET_MISSING', problem);
}

function isAddress(scenario: Scenario | URL | string): boolean {
  return (typeof scenario === 'string' || scenario instanceof URL) && /^wss?:/.test(String(scenario));
}

/** One generator, in this process. */
async function runHere(source: ScenarioSource, options: LoadOptions): Promise<RunReport> {
  const plan = planFor(await scenarioOf(source), 1);
  const summary = summaryOf(plan);
  const place = await preflight(summary, options);
  let receive: Coordinator['receive'] = () => undefined;
  const task = { process: 0, processes: 1, ...chosen(options), ...place };
  const generator: Generator = await makeGenerator(plan, task, (message) => receive(0, message));
  const port: GeneratorPort = { send: (message) => generator.handle(message) };
  const coordinator = coordinatorOf(summary, [port], options);
  receive = (index, message) => coordinator.receive(index, message);
  return conclude(summary, { ...place, processes: 1 }, options, () => coordinator.run());
}

/** Several generators, each a process that imports the scenario. The first one tells what it is, and so how many are due. */
async function runInProcesses(source: ScenarioSource, options: LoadOptions): Promise<RunReport> {
  const pool = new GeneratorPool();
  try {
    const summary = await pool.open(source);
    const place = await preflight(summary, options);
    const processes = options.processes ?? processesFor(summary);
    await pool.prepare({ source, processes, ...chosen(options), ...place });
    const coordinator = coordinatorOf(summary, pool.ports, options);
    pool.attach(coordinator);
    return await conclude(summary, { ...place, processes }, options, () => coordinator.run());
  } finally {
    await pool.close();
  }
}

function chosen({ client = 'ws', trace = 0 }: LoadOptions): Pick<GeneratorTask, 'client' | 'traced'> {
  return { client, traced: trace };
}

interface RunPlace {
  readonly run: number;
  readonly targets: readonly TargetAddress[];
  readonly localAddresses: readonly string[];
}

/** Everything that can be refused before the first client connects. */
async function preflight(summary: RunSummary, options: LoadOptions): Promise<RunPlace> {
  refuseTooLarge(summary);
  if (summary.targets.length === 0) {
    throw new TargetError(
      'CHANNELBOX_TARGET_MISSING',
      'the scenario has no target; give one there or with --target ws://host:port',
    );
  }
  const targets: TargetAddress[] = [];
  for (const url of summary.targets) {
    const answer = await reach(url, summary);
    if ('problem' in answer)
      throw new TargetError('CHANNELBOX_TARGET_UNREACHABLE', `nothing answers at ${masked(url)}: ${answer.problem}`);
    targets.push({ url, address: answer.address });
  }
  const run = randomInt(2 ** 24);
  const hosts = targets.map(({ address }) => address);
  return { run, targets, localAddresses: options.localAddresses ?? sourceAddresses(hosts, summary.clients, run) };
}

function coordinatorOf(
  summary: RunSummary,
  ports: readonly GeneratorPort[],
  { signal, onProgress, onTrace }: LoadOptions,
): Coordinator {
  return new Coordinator({ summary, ports, time: new MachineTime(), signal, onProgress, onTrace });
}

async function conclude(
  summary: RunSummary,
  place: RunPlace & { readonly processes: number },
  options: LoadOptions,
  run: () => Promise<RunResults>,
): Promise<RunReport> {
  const http = options.http === undefined ? undefined : await startHttpLoad(options.http, summary);
  const startedAt = new Date();
  try {
    options.onPlan?.(runPlanOf(summary));
    const findings = await run();
    const extra = await http?.stop();
    const environment = environmentOf({
      ...place,
      client: options.client ?? 'ws',
      summary,
      startedAt,
      elapsedMs: findings.elapsedMs,
    });
    return reportOf({ summary, findings, environment, ...(extra === undefined ? {} : { extra }) });
  } finally {
    await http?.stop();
  }
}
