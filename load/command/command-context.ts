import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { masked, schemeProblem } from '../address.ts';
import { LiveView } from '../report/live.ts';
import { UsageError, type Settings } from './option/settings.ts';
import { uniform } from '../scenario/rooms.ts';
import type { load, LoadOptions, ScenarioOverrides } from '../load.ts';
import type { RunReport } from '../result/run-report.ts';
import { hold, rampTo } from '../scenario/stages.ts';
import { scenarioDefaults } from '../scenario/resolved.ts';
import type { Terminal } from '../report/terminal.ts';

/** A command is given where it runs, what was asked for, and how a load is run. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly settings: Settings;
  readonly load: typeof load;
}

/** Exit codes of the command line, docs/load.md. */
export const exitCodes = {
  pass: 0,
  fail: 1,
  usage: 2,
  unreachable: 3,
  invalid: 4,
  regression: 5,
  interrupted: 130,
} as const;

/** The options of one run, as the flags and variables have them; what they leave out is the scenario's. */
export function loadOptionsOf(settings: Settings): LoadOptions {
  return {
    ...(settings.target === undefined ? {} : { target: settings.target }),
    ...(settings.client === undefined ? {} : { client: settings.client }),
    ...(settings.inproc === undefined ? {} : { inproc: settings.inproc }),
    ...(settings.processes === undefined ? {} : { processes: settings.processes }),
    ...(settings.localIp === undefined ? {} : { localAddresses: settings.localIp }),
    ...(settings.http === undefined ? {} : { http: { url: settings.http } }),
    ...(settings.trace === undefined ? {} : { trace: settings.trace }),
    overrides: overridesOf(settings),
  };
}

/**
 * The keys of a scenario that flags stand in for.
 * @throws {UsageError} for `--ramp` or `--room-size` without `--clients`, and for `--rooms` beside `--room-size`.
 */
export function overridesOf(settings: Settings): ScenarioOverrides {
  const { clients, ramp, roomSize } = settings;
  for (const [flag, value] of [['--ramp', ramp] as const, ['--room-size', roomSize] as const]) {
    if (value !== undefined && clients === undefined) {
      throw new UsageError(`${flag} came without --clients, which it counts on; add --clients <count>`);
    }
  }
  if (roomSize !== undefined && settings.rooms !== undefined) {
    throw new UsageError('--room-size and --rooms came together; one of the two decides the rooms');
  }
  const overrides: ScenarioOverrides = {};
  if (clients !== undefined) {
    const lasts = settings.duration ?? scenarioDefaults.duration;
    overrides.clients = ramp === undefined ? clients : [rampTo(clients, ramp), hold(lasts)];
    if (roomSize !== undefined) overrides.rooms = uniform(Math.ceil(clients / roomSize));
  }
  if (settings.rate !== undefined) overrides.schedule = settings.rate;
  const { ca, cert, key, servername, insecure, reconnects } = settings;
  const tls = { ca, cert, key, servername, ...(insecure === undefined ? {} : { insecure }) };
  if (Object.values(tls).some((value) => value !== undefined)) overrides.tls = tls;
  if (reconnects !== undefined) overrides.reconnects = { backoff: reconnects };
  const { name, seed, duration, rooms, speakers, thresholds, warmup, deadline, adapter } = settings;
  const { compression, connectTimeout, prepareConcurrency } = settings;
  const plain = { name, seed, duration, rooms, speakers, thresholds, warmup, deadline, adapter };
  const same = { ...plain, compression, connectTimeout, prepareConcurrency };
  for (const [key, value] of Object.entries(same)) {
    if (value !== undefined) Object.assign(overrides, { [key]: value });
  }
  return overrides;
}

/**
 * What to run: a file, or an address by itself.
 * @throws {UsageError} when there is neither.
 */
export function sourceOf(word: string | undefined, settings: Settings): string {
  const source = word ?? settings.target?.[0];
  if (source !== undefined && /^https?:\/\//i.test(source) && URL.canParse(source))
    throw new UsageError(schemeProblem(source) ?? source);
  if (source !== undefined) return source;
  throw new UsageError(
    'nothing to run came; give a scenario file or an address, as channelbox load ws://127.0.0.1:8000',
  );
}

/** Ctrl-C once: ends in order, with a report. Twice: ends now. */
export interface Interruption {
  readonly signal: AbortSignal;
  readonly stop: () => void;
}

export function interruption(terminal: Terminal, onFirst: () => void): Interruption {
  const controller = new AbortController();
  const stop = terminal.onInterrupt(() => {
    if (controller.signal.aborted) return terminal.abort(exitCodes.interrupted);
    controller.abort(new Error('interrupted'));
    onFirst();
  });
  return { signal: controller.signal, stop };
}

/** A live view, or nothing where none is wanted. */
export function liveView(kit: CommandContext, title: string): LiveView | undefined {
  const { quiet = false, noTui = false } = kit.settings;
  return quiet ? undefined : new LiveView(kit.terminal, { title, isPlain: noTui });
}

/** What a run is called before it has a report. */
export function titleOf(source: string, settings: Settings): string {
  const facts = [masked(source)];
  if (settings.inproc === true) facts.push('in process');
  else if (settings.target !== undefined && settings.target[0] !== source)
    facts.push(masked(settings.target.join(', ')));
  if (settings.seed !== undefined) facts.push(`seed ${settings.seed}`);
  return facts.join('  ');
}

/** One line of an NDJSON stream. */
export function tick(kit: CommandContext, type: string, content: object): void {
  if (kit.settings.ndjson === true) kit.terminal.out(`${JSON.stringify({ type, ...content })}\n`);
}

/** The plan of a run to the view, its progress to the view and to the stream. */
export function watching(
  kit: CommandContext,
  view: LiveView | undefined,
): Required<Pick<LoadOptions, 'onPlan' | 'onProgress'>> {
  return {
    onPlan: (plan) => view?.plan(plan),
    onProgress: (progress) => {
      view?.update(progress);
      tick(kit, 'progress', progress);
    },
  };
}

/** @throws {UsageError} when it cannot be written. */
export async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Marks reports whose rounds took turns with each other. */
export function pairing(): string {
  return randomUUID();
}

export function exitCodeOf(report: RunReport): number {
  return exitCodes[report.verdict];
}

/** A pause that Ctrl-C ends. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
