import type { ResolvedScenario } from './resolved.ts';
import type { RunReport } from './run-report.ts';

export function runInProcess(_scenario: ResolvedScenario, _options: object): Promise<RunReport> {
  throw new Error('being built');
}
