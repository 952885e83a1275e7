import { App, instrument, type Clock, type Probe } from '../../../src/index.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { ScenarioError } from '../../load-error.ts';
import { describeThrown } from '../../thrown.ts';

export interface StartOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly probe: Probe;
  /** What a message calls the scenario: its file, or its name. */
  readonly origin: string;
}

/**
 * Makes a scenario's app and puts it on the run's clock.
 * @throws {ScenarioError} `CHANNELBOX_SCENARIO_APP` when it throws, with that as its cause, or when it is no app
 */
export async function startApp(make: NonNullable<Scenario['app']>, options: StartOptions): Promise<App> {
  const { clock, random, probe, origin } = options;
  const failed = (error: unknown): ScenarioError =>
    refused(`the one of ${origin} could not be started: ${describeThrown(error)}`, { cause: error });
  let made: unknown;
  try {
    made = make({ clock, random });
    // Of one that comes later only its failure is of use.
    if (made instanceof Promise) await made;
  } catch (error) {
    throw failed(error);
  }
  if (!(made instanceof App)) {
    throw refused(
      `the one of ${origin} is none: ${kindOf(made)} came; write \`app: ({ clock }) => new App({ clock })\``,
    );
  }
  try {
    instrument(made, probe);
  } catch (error) {
    throw failed(error);
  }
  return made;
}

function refused(message: string, options?: ErrorOptions): ScenarioError {
  return new ScenarioError('app', message, { ...options, code: 'CHANNELBOX_SCENARIO_APP' });
}

function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
