import { ChannelBoxError } from '../src/index.ts';

/** A run that could not be brought to its end: `CHANNELBOX_LOAD_FAILED`, `CHANNELBOX_LOAD_NO_APP`. */
export class LoadError extends ChannelBoxError {
  override readonly name: string = 'LoadError';
}

/** `CHANNELBOX_TARGET_UNREACHABLE`: nothing answers at the address; `CHANNELBOX_TARGET_MISSING`: there is no address. */
export class TargetError extends ChannelBoxError {
  override readonly name: string = 'TargetError';
}
