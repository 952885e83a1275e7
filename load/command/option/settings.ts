import { ChannelBoxError } from '../../../src/index.ts';
import type { Duration } from '../../../src/internal.ts';
import type { AdapterName } from '../../scenario/adapter/known.ts';
import type { Rooms } from '../../scenario/rooms.ts';
import type { Schedule } from '../../scenario/schedule.ts';

/** Wrong words on the command line or in its environment; exit code 2. Code: `CHANNELBOX_USAGE`. */
export class UsageError extends ChannelBoxError {
  override readonly name: string = 'UsageError';

  constructor(message: string, options?: ErrorOptions) {
    super('CHANNELBOX_USAGE', message, options);
  }
}

/**
 * Settings are what flags and environment said; what neither said is absent, and the scenario's file or a default
 * decides.
 */
export interface Settings {
  target?: readonly string[];
  seed?: number;
  runs?: number;
  budget?: Duration;
  emit?: string;
  clients?: number;
  duration?: Duration;
  ramp?: Duration;
  rooms?: Rooms;
  roomSize?: number;
  speakers?: number;
  rate?: Schedule;
  adapter?: AdapterName;
  thresholds?: readonly string[];
  warmup?: Duration;
  deadline?: Duration;
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  insecure?: boolean;
  compression?: boolean;
  connectTimeout?: Duration;
  reconnects?: Duration;
  prepareConcurrency?: number;
  name?: string;
  client?: 'ws' | 'raw';
  inproc?: boolean;
  processes?: number;
  localIp?: readonly string[];
  http?: string;
  rounds?: number;
  by?: 'clients' | 'rate';
  min?: number;
  max?: number;
  precision?: number;
  repeats?: number;
  rest?: Duration;
  atLeast?: number;
  json?: boolean;
  ndjson?: boolean;
  html?: string;
  save?: readonly string[];
  junit?: string;
  openmetrics?: string;
  markdown?: string;
  trace?: number;
  traceFile?: string;
  quiet?: boolean;
  noTui?: boolean;
}
