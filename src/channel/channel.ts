import type { Deadline } from '../time/deadlines.ts';
import type { Scheduler } from '../time/scheduler.ts';
import { BoxError } from '../errors.ts';
import type { Channel as ChannelView, ChannelOptions, PayloadType, WebSocket } from '../api.ts';
import type { SendOutcome } from '../layer/layer.ts';
import { WatchedPromise } from '../promise.ts';
import { encodePayload, frameOf } from '../protocol/codec.ts';
import type { Group, Joinable } from './groups.ts';
import { socketOf, type ChannelSocket } from './channel-socket.ts';

const payloadTypes: readonly unknown[] = ['json', 'text', 'bytes'];
const noMetadata: Readonly<Record<string, unknown>> = Object.freeze({});

/** The one channel of a socket: its kind, its expiry, its memberships. */
export class SocketChannel implements ChannelView, Joinable, Deadline {
  readonly socket: ChannelSocket;
  readonly created: number;
  readonly payloadType: PayloadType;
  metadata: Readonly<Record<string, unknown>>;
  joined: Group<Joinable> | Set<Group<Joinable>> | undefined = undefined;
  /** While a resume is under way, frames of its group wait. */
  isHolding: boolean = false;
  heapIndex: number = -1;
  #expires: number | null;

  /**
   * Claims the socket's channel with these options.
   * @throws {BoxError} `CHANNELBOX_CHANNEL_CLAIMED` when the socket has one already, `CHANNELBOX_CHANNEL_OPTIONS`
   */
  constructor(ws: WebSocket | ChannelSocket, options: ChannelOptions = {}) {
    const { payloadType = 'json', expires = null, metadata = noMetadata } = options;
    this.socket = socketOf(ws);
    this.payloadType = checkPayloadType(payloadType);
    this.#expires = checkExpires(expires);
    this.metadata = metadata === noMetadata ? metadata : checkMetadata(metadata);
    this.created = this.socket.scheduler.clock.now() / 1000;
    if (this.socket.hasChannel) {
      throw new BoxError(
        'CHANNELBOX_CHANNEL_CLAIMED',
        'the socket has a channel already, and it has only one; make it before the first join, or use ws.channel',
      );
    }
    this.socket.claim(this);
    this.startExpiry();
  }

  get uuid(): string {
    return this.socket.id;
  }

  get expires(): number | null {
    return this.#expires;
  }

  set expires(seconds: number | null) {
    this.#expires = checkExpires(seconds);
    this.startExpiry();
  }

  get expiresAt(): number | null {
    if (this.#expires === null) return null;
    const { clock } = this.socket.scheduler;
    // Before the accept its time has not begun.
    const leftMs = this.socket.lastDataMs < 0 ? this.#expires * 1000 : this.dueMs - clock.monotonic();
    return (clock.now() + leftMs) / 1000;
  }

  /** Monotonic milliseconds. */
  get dueMs(): number {
    return this.#expires === null ? Infinity : this.socket.lastDataMs + this.#expires * 1000;
  }

  onDue(): void {
    this.socket.expire();
  }

  startExpiry(): void {
    if (this.#expires !== null && this.socket.isOpen) this.socket.scheduler.deadlines.schedule(this);
  }

  stopExpiry(): void {
    this.socket.scheduler.deadlines.cancel(this);
  }

  /** @throws {BoxError} `CHANNELBOX_CHANNEL_OPTIONS` for what is no plain object */
  setMetadata(metadata: Readonly<Record<string, unknown>>): Promise<void> {
    const watch = this.socket.watch('setMetadata');
    try {
      this.metadata = checkMetadata(metadata);
    } catch (error) {
      return WatchedPromise.rejecting(error, watch);
    }
    return WatchedPromise.of(this.socket.publishMetadata(), watch);
  }

  isActive(): boolean {
    // At the very moment it has expired.
    return this.socket.isOpen && this.socket.scheduler.turn.stampMs() < this.dueMs;
  }

  touch(): void {
    const { socket } = this;
    socket.lastDataMs = socket.scheduler.turn.stampMs();
    // Where it is filed already it stays: its time has only moved later.
    if (this.heapIndex < 0) this.startExpiry();
  }

  send(payload: unknown): Promise<SendOutcome> {
    try {
      return this.socket.sendFrame(frameOf(encodePayload(payload), this.payloadType));
    } catch (error) {
      return WatchedPromise.rejecting(error, this.socket.watch('send'));
    }
  }

  close(code?: number, reason?: string): Promise<void> {
    return this.socket.close(code, reason);
  }
}

/** @throws {BoxError} `CHANNELBOX_FOREIGN_CHANNEL` for a channel of another app */
export function ownChannel(channel: ChannelView, scheduler: Scheduler): SocketChannel {
  if (channel instanceof SocketChannel && channel.socket.scheduler === scheduler) return channel;
  throw new BoxError(
    'CHANNELBOX_FOREIGN_CHANNEL',
    'the channel belongs to another app or was not made by channelbox; use the box of its own socket, ws.channelBox',
  );
}

/** @throws {BoxError} `CHANNELBOX_CHANNEL_OPTIONS` */
function checkMetadata(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (isPlainObject(metadata)) return metadata;
  throw new BoxError(
    'CHANNELBOX_CHANNEL_OPTIONS',
    `metadata is ${typeof metadata}; allowed is a plain object, as JSON has it`,
  );
}

/** Of any realm; a Proxy that does not want to be looked at is none. */
function isPlainObject(value: unknown): boolean {
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
  } catch {
    return false;
  }
}

function checkPayloadType(payloadType: PayloadType): PayloadType {
  if (payloadTypes.includes(payloadType)) return payloadType;
  throw new BoxError(
    'CHANNELBOX_CHANNEL_OPTIONS',
    `payloadType is ${String(payloadType)}; allowed are 'json', 'text' and 'bytes'`,
  );
}

function checkExpires(expires: number | null): number | null {
  if (expires === null || (typeof expires === 'number' && expires > 0)) return expires === Infinity ? null : expires;
  throw new BoxError(
    'CHANNELBOX_CHANNEL_OPTIONS',
    `expires is ${String(expires)}; allowed are seconds above 0, or null for never`,
  );
}

/** This is the class as the package shows it: what `ws.channel` is, and how to claim it. */
export const Channel: new (ws: WebSocket, options?: ChannelOptions) => ChannelView = SocketChannel;
export type Channel = ChannelView;
