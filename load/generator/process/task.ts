import { createSecureContext } from 'node:tls';
import type { Faker } from '../../scenario/faker.ts';
import { noPeer } from '../../../src/internal.ts';
import { importScenario } from '../../scenario/loader.ts';
import { planOf, type Plan } from '../../plan/plan.ts';
import { resolveScenario, type ResolvedScenario } from '../../scenario/resolved.ts';
import type { Scenario, ScenarioOverrides } from '../../scenario/scenario.ts';
import { atRate } from '../../scenario/schedule.ts';
import { MachineTime } from '../../time.ts';
import type { ResolvedTls } from '../../scenario/tls.ts';
import { validateScenario } from '../../scenario/validation.ts';
import type { TargetAddress } from '../client/generator-context.ts';
import { Generator } from '../generator.ts';
import { ProcessHealth } from '../measure/health.ts';
import type { FromGenerator } from '../../message.ts';
import type { DialTls } from '../connection/connection.ts';
import { dialRaw } from '../connection/raw.ts';
import { dialWs } from '../connection/ws.ts';

/** Where a scenario comes from: a file, or plain data. */
export interface ScenarioSource {
  readonly href?: string;
  readonly plain?: Scenario;
  readonly overrides: ScenarioOverrides;
}

/** A generator needs this besides the scenario. */
export interface GeneratorTask {
  readonly process: number;
  readonly processes: number;
  readonly run: number;
  readonly client: 'ws' | 'raw';
  readonly targets: readonly TargetAddress[];
  readonly localAddresses: readonly string[];
  /** How many clients tell their conversation, the first ones. */
  readonly traced: number;
}

export async function scenarioOf(source: ScenarioSource): Promise<ResolvedScenario> {
  const scenario =
    source.href === undefined ? validateScenario(source.plain) : await importScenario(new URL(source.href));
  const { perSecond, tls, ...keys } = source.overrides;
  const whole = { ...scenario, ...keys, ...(tls === undefined ? {} : { tls: { ...scenario.tls, ...known(tls) } }) };
  const rated = perSecond === undefined ? whole : { ...whole, schedule: atRate(whole.schedule, perSecond) };
  return resolveScenario(validateScenario(rated));
}

/** Without the keys that nobody gave, so that those of the scenario stand. */
function known<T extends object>(keys: T): Partial<T> {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A generator in this process, over the network. */
export async function makeGenerator(
  plan: Plan,
  task: GeneratorTask,
  emit: (message: FromGenerator) => void,
): Promise<Generator> {
  return new Generator({
    plan,
    process: task.process,
    run: task.run,
    targets: task.targets,
    localAddresses: task.localAddresses,
    tls: dialTlsOf(plan.scenario.tls),
    traced: task.traced,
    dial: task.client === 'raw' ? dialRaw : dialWs,
    scans: task.client === 'raw',
    time: new MachineTime(),
    health: new ProcessHealth(),
    faker: await fakerFor(plan.scenario),
    emit,
  });
}

function dialTlsOf(tls: ResolvedTls | undefined): DialTls | undefined {
  if (tls === undefined) return undefined;
  return { context: createSecureContext(tls), servername: tls.servername, insecure: tls.insecure };
}

export function planFor(scenario: ResolvedScenario, processes: number): Plan {
  return planOf(scenario, processes);
}

/** @faker-js/faker is an optional peer: a payload that does without it needs it not. */
export async function fakerFor(scenario: ResolvedScenario): Promise<Faker | undefined> {
  if (scenario.payload === undefined) return undefined;
  try {
    const { Faker, en, base } = await import('@faker-js/faker');
    const faker = new Faker({ locale: [en, base] });
    faker.setDefaultRefDate('2025-01-01T00:00:00.000Z');
    return faker;
  } catch (error) {
    return new Proxy({} as Faker, {
      get(_target, key): unknown {
        if (key === 'seed') return () => 0;
        // Whoever awaits this looks for it.
        if (key === 'then') return undefined;
        throw noPeer('@faker-js/faker', 'a payload that asks for faker', error);
      },
    });
  }
}
