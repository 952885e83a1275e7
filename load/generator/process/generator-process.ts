/** A process finds out whether it was started to be a generator, in the module that it was started with. */
import { fileURLToPath } from 'node:url';
import { summaryOf } from '../../plan/run-summary.ts';
import type { ResolvedScenario } from '../../scenario/resolved.ts';
import type { Generator } from '../generator.ts';
import { makeGenerator, planFor, scenarioOf } from './task.ts';
import { plainError } from '../../plain-error.ts';
import { generatorFlag, type FromWorker, type ToWorker } from './worker.ts';

/** True in a process that was started to be a generator, in the module that it was started with. */
export const isGeneratorProcess: boolean =
  process.env[generatorFlag] === '1' &&
  process.send !== undefined &&
  process.argv[1] === fileURLToPath(import.meta.url);

/** What a generator process does: it imports the scenario, makes its share of the plan and drives it. */
function serve(): void {
  let scenario: ResolvedScenario | undefined;
  let generator: Generator | undefined;
  const say = (message: FromWorker): void => void process.send?.(message);
  const receive = async (message: ToWorker): Promise<void> => {
    if (message.type === 'import') {
      scenario = await scenarioOf(message.source);
      say({ type: 'summary', summary: summaryOf(planFor(scenario, 1)) });
    } else if (message.type === 'prepare') {
      const plan = planFor(scenario as ResolvedScenario, message.task.processes);
      generator = await makeGenerator(plan, message.task, (told) => say({ type: 'run', message: told }));
      say({ type: 'prepared' });
    } else generator?.handle(message.message);
  };
  process.on('message', (message: ToWorker) => {
    receive(message).catch((error: unknown) => say({ type: 'refused', error: plainError(error) }));
  });
  process.on('disconnect', () => process.exit());
  // Ctrl-C, and a service manager's SIGTERM, go to the whole group; the parent decides what they mean.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const broken = (error: unknown): void => {
    say({ type: 'run', message: { type: 'failed', error: plainError(error) } });
    generator?.fail(error);
  };
  process.on('uncaughtException', broken).on('unhandledRejection', broken);
}

if (isGeneratorProcess) serve();
