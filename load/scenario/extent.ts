import { durationMs } from './duration.ts';
import type { Scenario } from './scenario.ts';
import type { KnownStage } from './stages.ts';

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
