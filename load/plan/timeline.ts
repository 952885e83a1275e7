import { durationMs, seeded } from '../../src/internal.ts';
import type { ResolvedScenario } from '../scenario/resolved.ts';

/** What is done to a client, and when; the time counts from the start of the run. */
export interface ClientStep {
  readonly atUs: number;
  readonly kind: 'connect' | 'close' | 'replace';
  readonly client: number;
}

/** Clients a second that a plain number of clients connects with. */
export const connectsPerSecond = 2_000;

const churnStream = 1;

/** All connects and closes that a scenario plans, in order: the same in every process. */
export function timelineOf(scenario: ResolvedScenario): readonly ClientStep[] {
  if (scenario.stages === undefined) {
    return Array.from({ length: scenario.clients }, (_, client) => ({
      atUs: (client * 1e6) / connectsPerSecond,
      kind: 'connect',
      client,
    }));
  }
  const steps: ClientStep[] = [];
  const random = seeded(scenario.seed, churnStream);
  let atUs = 0;
  let present = 0;
  for (const stage of scenario.stages) {
    const lastsUs = durationMs('over' in stage ? stage.over : stage.lasts) * 1_000;
    if (stage.kind === 'rampTo') {
      ramp(steps, present, stage.clients, { atUs, overUs: lastsUs });
      present = stage.clients;
    } else if (stage.kind === 'spike') {
      ramp(steps, present, present + stage.clients, { atUs, overUs: 0 });
      ramp(steps, present + stage.clients, present, { atUs: atUs + lastsUs, overUs: 0 });
    } else if (stage.kind === 'churn') {
      const turns = present === 0 ? 0 : Math.floor((lastsUs / 1e6) * stage.perSecond);
      for (let turn = 0; turn < turns; turn += 1) {
        const client = Math.floor(random() * present);
        steps.push({ atUs: atUs + ((turn + 0.5) * 1e6) / stage.perSecond, kind: 'replace', client });
      }
    }
    atUs += lastsUs;
  }
  return steps;
}

/** When the planned part has brought everybody in or out; of a plain number of clients, when the last one is to connect. */
export function rampEndUs(scenario: ResolvedScenario): number {
  return scenario.stages === undefined ? (scenario.clients * 1e6) / connectsPerSecond : scenario.plannedMs * 1_000;
}

function ramp(steps: ClientStep[], from: number, to: number, { atUs, overUs }: { atUs: number; overUs: number }): void {
  const count = Math.abs(to - from);
  for (let turn = 0; turn < count; turn += 1) {
    const stepUs = atUs + (overUs * turn) / count;
    if (to > from) steps.push({ atUs: stepUs, kind: 'connect', client: from + turn });
    else steps.push({ atUs: stepUs, kind: 'close', client: from - turn - 1 });
  }
}

/** A stage of the plan, and where it begins. */
export interface StageMark {
  readonly atMs: number;
  readonly what: string;
}

/** The stages in words. A plain number of clients is one stage, from the first connect on. */
export function stageMarksOf(scenario: ResolvedScenario): readonly StageMark[] {
  if (scenario.stages === undefined) return [{ atMs: 0, what: `hold ${scenario.clients}` }];
  let atMs = 0;
  return scenario.stages.map((stage) => {
    const lastsMs = durationMs('over' in stage ? stage.over : stage.lasts);
    const amount = stage.kind === 'hold' ? '' : ` ${stage.kind === 'churn' ? `${stage.perSecond}/s` : stage.clients}`;
    const mark = { atMs, what: `${stage.kind}${amount}` };
    atMs += lastsMs;
    return mark;
  });
}
