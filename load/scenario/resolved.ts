import type { Adapter } from './adapter/adapter.ts';
import { guarded } from './adapter/guard.ts';
import { adapters } from './adapter/known.ts';
import { durationMs } from '../../src/internal.ts';
import type { KnownChaos } from './chaos.ts';
import { oneRoom, type Rooms } from './rooms.ts';
import type { Scenario } from './scenario.ts';
import { constant, type Schedule } from './schedule.ts';
import type { KnownStage } from './stages.ts';
import { resolveTls, type ResolvedTls } from './tls.ts';
import { parseThresholds, type Threshold } from './threshold.ts';

/** Every default of a scenario, in one place: `--help` and the documents are made from it. */
export const scenarioDefaults = {
  name: 'load',
  seed: 1,
  duration: '30s',
  rooms: 'one room',
  speakers: 'all',
  schedule: '1 message a second of each speaker',
  adapter: 'echo',
  warmup: '0s',
  deadline: '10s',
  connectTimeout: '30s',
  prepareConcurrency: 50,
  jitter: 0.5,
} as const;

/** A scenario has its defaults filled in and its durations made numbers. */
export interface ResolvedScenario {
  readonly name: string;
  readonly seed: number;
  readonly targets: readonly string[];
  /** Absent for a plain number of clients: those connect first and are then held. */
  readonly stages: readonly KnownStage[] | undefined;
  readonly clients: number;
  readonly plannedMs: number;
  readonly rooms: Rooms;
  readonly speakers: number;
  readonly schedule: Schedule;
  readonly adapter: Adapter;
  readonly chaos: readonly KnownChaos[];
  readonly thresholds: readonly Threshold[];
  readonly warmupMs: number;
  readonly deadlineMs: number;
  readonly tls: ResolvedTls | undefined;
  readonly compression: boolean;
  readonly connectTimeoutMs: number;
  readonly reconnects: ResolvedReconnects | undefined;
  readonly prepare: Scenario['prepare'];
  readonly prepareConcurrency: number;
  readonly payload: Scenario['payload'];
  readonly client: Scenario['client'];
  readonly app: Scenario['app'];
}

export interface ResolvedReconnects {
  readonly backoffMs: number;
  readonly jitter: number;
  readonly attempts: number;
}

/** Of a scenario that has been validated. */
export function resolveScenario(scenario: Scenario): ResolvedScenario {
  const { adapter = scenarioDefaults.adapter, target = [] } = scenario;
  return {
    name: scenario.name ?? scenarioDefaults.name,
    seed: scenario.seed ?? scenarioDefaults.seed,
    targets: typeof target === 'string' ? [target] : target,
    stages: typeof scenario.clients === 'number' ? undefined : (scenario.clients as readonly KnownStage[]),
    clients: peakOf(scenario.clients),
    plannedMs: plannedMs(scenario),
    rooms: scenario.rooms ?? oneRoom(),
    speakers: scenario.speakers ?? 1,
    schedule: scenario.schedule ?? constant(1),
    adapter: guarded(typeof adapter === 'string' ? adapters[adapter] : adapter),
    chaos: (scenario.chaos ?? []) as readonly KnownChaos[],
    thresholds: parseThresholds(scenario.thresholds ?? []),
    warmupMs: durationMs(scenario.warmup ?? scenarioDefaults.warmup),
    deadlineMs: durationMs(scenario.deadline ?? scenarioDefaults.deadline),
    tls: resolveTls(scenario.tls),
    compression: scenario.compression ?? false,
    connectTimeoutMs: durationMs(scenario.connectTimeout ?? scenarioDefaults.connectTimeout),
    reconnects: reconnectsOf(scenario.reconnects),
    // Called on the scenario, whose method it may be.
    prepare: scenario.prepare === undefined ? undefined : async (client) => await scenario.prepare?.(client),
    prepareConcurrency: scenario.prepareConcurrency ?? scenarioDefaults.prepareConcurrency,
    payload: scenario.payload,
    client: scenario.client,
    app: scenario.app,
  };
}

function reconnectsOf(reconnects: Scenario['reconnects']): ResolvedReconnects | undefined {
  if (reconnects === undefined) return undefined;
  const { backoff, jitter = scenarioDefaults.jitter, attempts = Infinity } = reconnects;
  return { backoffMs: durationMs(backoff), jitter, attempts };
}

/** Most clients at one moment. */
export function peakOf(clients: Scenario['clients']): number {
  if (typeof clients === 'number') return clients;
  let present = 0;
  let peak = 0;
  for (const stage of clients as readonly KnownStage[]) {
    if (stage.kind === 'rampTo') present = stage.clients;
    peak = Math.max(peak, present + (stage.kind === 'spike' ? stage.clients : 0));
  }
  return peak;
}

/** How long the planned part lasts, without the time to connect a plain number of clients. */
export function plannedMs(scenario: Scenario): number {
  if (typeof scenario.clients === 'number') return durationMs(scenario.duration ?? '30s');
  return (scenario.clients as readonly KnownStage[]).reduce(
    (sum, stage) => sum + durationMs('over' in stage ? stage.over : stage.lasts),
    0,
  );
}
