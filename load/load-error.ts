import { ChannelBoxError } from '../src/index.ts';

/** This run could not be brought to its end: `CHANNELBOX_LOAD_FAILED`, `CHANNELBOX_LOAD_NO_APP`. */
export class LoadError extends ChannelBoxError {
  override readonly name: string = 'LoadError';
}

/** `CHANNELBOX_TARGET_UNREACHABLE`: nothing answers at the address; `CHANNELBOX_TARGET_MISSING`: there is no address. */
export class TargetError extends ChannelBoxError {
  override readonly name: string = 'TargetError';
}

/**
 * A scenario that cannot be run, told before the first connection. `path` is the key that is wrong, as `clients[1].over`.
 * Codes: `CHANNELBOX_SCENARIO_INVALID`; `CHANNELBOX_SCENARIO_TOO_LARGE` for a plan that would not fit in memory;
 * `CHANNELBOX_SCENARIO_NOT_FOUND` for a file that is not there, throws while it is loaded or exports no scenario;
 * `CHANNELBOX_SCENARIO_APP` for an `app` that throws while it starts, or is none. What was thrown is the `cause`.
 */
export class ScenarioError extends ChannelBoxError {
  override readonly name: string = 'ScenarioError';
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions & { code?: `CHANNELBOX_SCENARIO_${string}` }) {
    super(options?.code ?? 'CHANNELBOX_SCENARIO_INVALID', path === '' ? message : `${path}: ${message}`, options);
    this.path = path;
  }
}
