import type { Due } from '../time/deadlines.ts';
import { BoxError } from '../errors.ts';
import type { Channel as ChannelView, ChannelOptions, PayloadType, WebSocket } from '../api.ts';
import type { SendOutcome } from '../layer/layer.ts';
import { encodePayload, frameOf } from '../protocol/codec.ts';
import { hasExpired } from './expiry.ts';
import type { Group, Joinable } from './groups.ts';
import { seatOf, type Seat } from './channel-socket.ts';

const payloadTypes: readonly unknown[] = ['json', 'text', 'bytes'];
const noMetadata: Readonly<Record<string, unknown>> = Object.freeze({});

/** The one channel of a socket: its kind, its expiry, its memberships. */
export class SocketChannel implements ChannelView, Joinable, Due {
  readonly seat: Seat;
  readonly created: number;
  readonly payloadType: PayloadType;
  metadata: Readonly<Record<string, unknown>>;
  joined: Group<Joinable> | Set<Group<Joinable>> | undefined = undefined;
  /** While a resume is under way, frames of its group wait. */
  isHolding: boolean = false;
  filedAt: number = -1;
  #expires: number | null;

  /**
   * Claims the socket's channel with these options.
   * @throws {BoxError} `CHANNELBOX_CHANNEL_CLAIMED` when the socket has one already, `CHANNELBOX_CHANNEL_OPTIONS`
   */
  constructor(ws: WebSocket, options: ChannelOptions = {}) {
    const { payloadType = 'json', expires = null, metadata = noMetadata } = options;
    this.seat = seatOf(ws);
    this.payloadType = checkPayloadType(payloadType);
    this.#expires = checkExpires(expires);
    this.metadata = metadata;
    this.created = this.seat.keeping.clock.now() / 1000;
    this.seat.claim(this);
    this.startExpiry();
  }

  get uuid(): string {
    return this.seat.id;
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
    const { clock } = this.seat.keeping;
    // Before the accept its time has not begun.
    const leftMs = this.seat.lastDataMs < 0 ? this.#expires * 1000 : this.dueMs - clock.monotonic();
    return (clock.now() + leftMs) / 1000;
  }

  /** Monotonic milliseconds. */
  get dueMs(): number {
    return this.#expires === null ? Infinity : this.seat.lastDataMs + this.#expires * 1000;
  }

  fallDue(): void {
    this.seat.expire();
  }

  startExpiry(): void {
    if (this.#expires !== null && this.seat.isOpen) this.seat.keeping.deadlines.file(this);
  }

  stopExpiry(): void {
    this.seat.keeping.deadlines.drop(this);
  }

  async setMetadata(metadata: Readonly<Record<string, unknown>>): Promise<void> {
    this.metadata = metadata;
    await this.seat.announce();
  }

  isActive(): boolean {
    return this.seat.isOpen && !hasExpired(this.dueMs, this.seat.keeping.turn.stampMs());
  }

  touch(): void {
    const { seat } = this;
    seat.lastDataMs = seat.keeping.turn.stampMs();
    // Where it is filed already it stays: its time has only moved later.
    if (this.filedAt < 0) this.startExpiry();
  }

  async send(payload: unknown): Promise<SendOutcome> {
    return this.seat.post(frameOf(encodePayload(payload), this.payloadType));
  }

  close(code?: number, reason?: string): Promise<void> {
    return this.seat.close(code, reason);
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

/** The class as the package shows it: what `ws.channel` is, and how to claim it. */
export const Channel: new (ws: WebSocket, options?: ChannelOptions) => ChannelView = SocketChannel;
export type Channel = ChannelView;
