import { BoxError } from '../errors.ts';
import type { Channel, Limits, WebSocket } from '../api.ts';
import type { ProbedConnection } from '../probe.ts';
import type { Watch } from '../promise.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { SendOutcome } from '../layer/layer.ts';
import type { Frame } from '../protocol/frame.ts';

/** A channel and its box see a socket by this. */
export interface ChannelSocket extends ProbedConnection {
  /** The id, where somebody has read it. */
  readonly knownId: string | undefined;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  /** Not ended: a channel may join before the accept, and receives from then on. */
  readonly isJoinable: boolean;
  /** @throws {HandshakeError} `CHANNELBOX_NOT_ACCEPTED` before the accept */
  refuseUnaccepted(step: string): void;
  /** Monotonic milliseconds of the last data frame in either direction, or of the accept; −1 before it. */
  lastDataMs: number;
  /** Made at first use. */
  readonly channel: Channel;
  readonly hasChannel: boolean;
  /** It has none yet. */
  claim(channel: Channel): void;
  /** To a member of a group: never waits. `dropped`: it reads too slowly, which `handleBackpressure` has yet to answer. */
  deliverFrame(frame: Frame, nowMs: number): SendOutcome;
  /** Closes a reader that is too slow, unless it only loses messages. It runs hooks, so not amid a fan-out. */
  handleBackpressure(): void;
  /** To this socket alone: writes, then waits where too much is buffered. */
  sendFrame(frame: Frame): Promise<SendOutcome>;
  close(code?: number, reason?: string): Promise<void>;
  /** For a call of the app that fails, and may not be awaited. */
  watch(call: string): Watch;
  /** The channel's time without data is up. */
  expire(): void;
  /** The channel's metadata changed: other nodes show it too. */
  publishMetadata(): Promise<void>;
}

/** @throws {BoxError} `CHANNELBOX_FOREIGN_SOCKET` for an object that no handler was given */
export function socketOf(ws: WebSocket | ChannelSocket): ChannelSocket {
  if (isChannelSocket(ws)) return ws;
  throw new BoxError(
    'CHANNELBOX_FOREIGN_SOCKET',
    `a channel belongs to the ws that a handler was given, not to ${typeof ws}`,
  );
}

function isChannelSocket(ws: WebSocket | ChannelSocket | undefined): ws is ChannelSocket {
  return typeof (ws as Partial<ChannelSocket> | undefined)?.deliverFrame === 'function';
}
