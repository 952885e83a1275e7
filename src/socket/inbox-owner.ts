import type { Limits } from '../api.ts';
import type { WebSocketDisconnect } from '../errors.ts';
import type { Probe, ProbedConnection } from '../probe.ts';
import type { Watch } from '../promise.ts';
import type { Message } from '../protocol/message.ts';
import type { Deadline } from '../time/deadlines.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { Wire } from '../transport/transport.ts';
import type { Ending } from './ending.ts';
import type { SocketHost, StoreOwner } from './host.ts';

/** Takes the frames of a socket one at a time, in order. Neither throws nor rejects. */
export interface Sink {
  /** What it returns is waited for before the next frame. */
  frame(message: Message): Promise<void> | undefined;
  /** After the last frame: exactly once. */
  ended(): void;
}

/** An inbox sees its socket by this. */
export interface InboxOwner extends ProbedConnection, StoreOwner, Deadline {
  readonly probe: Probe | undefined;
  readonly limits: Limits;
  /** From the accept on, however it has ended since. */
  readonly wire: Wire | undefined;
  readonly scheduler: Scheduler;
  readonly disconnect: WebSocketDisconnect;
  readonly host: Pick<SocketHost, 'counters' | 'stores'>;
  /** A frame came. Below 0: it is refused; above 0: it is read so many milliseconds later. */
  heard(nowMs: number, byteLength: number): number;
  gone(code: number, reason: string, wasClean: boolean): void;
  /** For a call of the app that fails, and may not be awaited. */
  watch(call: string): Watch;
  /** Its descriptor is gone too. */
  released(): void;
  /** The peer has passed a limit: the socket closes. */
  breach(ending: Ending): void;
}
