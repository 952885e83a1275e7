import { LoadError, ScenarioError, TargetError } from './load-error.ts';
import { describeThrown } from './thrown.ts';

/** An error as it crosses from one process to another. */
export interface PlainError {
  readonly name: string;
  readonly code?: string | undefined;
  readonly path?: string | undefined;
  readonly message: string;
}

/** An error of ours is sent to another process whole; of another error go its message and where it was thrown. */
export function plainError(error: unknown): PlainError {
  const { name = 'Error', code, path } = (error ?? {}) as Partial<PlainError>;
  const isOurs = typeof code === 'string' && code.startsWith('CHANNELBOX_') && error instanceof Error;
  if (isOurs) return { name, code, path, message: error.message };
  return { name, message: describeThrown(error) };
}

/**
 * What was an error of ours in the other process is one here.
 * @param about whose it was, put before the message of one that is not ours.
 */
export function revive(error: PlainError, about: string = ''): Error {
  const code = error.code as `CHANNELBOX_${string}` | undefined;
  if (error.name === 'ScenarioError') {
    const scenarioCode = (code ?? 'CHANNELBOX_SCENARIO_INVALID') as `CHANNELBOX_SCENARIO_${string}`;
    const prefix = `${error.path ?? ''}: `;
    const message = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
    return new ScenarioError(error.path ?? '', message, { code: scenarioCode });
  }
  if (error.name === 'TargetError') return new TargetError(code ?? 'CHANNELBOX_TARGET_MISSING', error.message);
  return new LoadError(
    code ?? 'CHANNELBOX_LOAD_FAILED',
    code === undefined ? `${about}${error.message}` : error.message,
  );
}
