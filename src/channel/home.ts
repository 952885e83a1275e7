import type { Limits } from '../api.ts';
import type { Probe } from '../probe.ts';
import type { Clock } from '../time/clock.ts';
import type { ChannelSocket } from './channel-socket.ts';

/** What a box takes over from the app that it is given to. */
export interface BoxHome {
  /** Undefined: the system's. */
  readonly clock: Clock | undefined;
  readonly limits: Limits;
  /** Of everybody who has asked to be let in; the app's own set. */
  readonly sockets: ReadonlySet<ChannelSocket>;
  readonly probe: Probe | undefined;
  log(message: string, fields: object): void;
  /** One of the app's own functions failed, outside of any connection. */
  failed(error: unknown, hook: string): void;
}
