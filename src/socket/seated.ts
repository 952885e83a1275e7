import { SocketChannel } from '../channel/channel.ts';
import type { ChannelSocket, SocketHolder } from '../channel/channel-socket.ts';
import { BoxError } from '../errors.ts';
import type { Channel, HistoryPage, JoinResult, LeaveResult, ResumeOptions, SendOutcome, WebSocket } from '../api.ts';
import type { ProbedConnection } from '../probe.ts';
import { settled } from '../promise.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Wire } from '../transport/transport.ts';
import { closeCode } from '../protocol/close-code.ts';
import { checkAccepted } from './state.ts';
import { TalkingSocket } from './talking.ts';

/** A socket's place among the others: its id, its channel, its groups, and what reaches it from there. */
export abstract class SeatedSocket extends TalkingSocket implements ChannelSocket, SocketHolder {
  abstract readonly connection: ProbedConnection;
  #hasFailedToSend = false;
  #id: string | undefined = undefined;
  #channel: SocketChannel | undefined = undefined;

  get channelSocket(): ChannelSocket {
    return this;
  }

  get id(): string {
    if (this.#id === undefined) {
      this.#id = this.host.box.channelId();
      if (this.isOpen) this.host.box.local.register(this.#id, this);
    }
    return this.#id;
  }

  get knownId(): string | undefined {
    return this.#id;
  }

  get channel(): Channel {
    return this.#channel ?? new SocketChannel(this as unknown as WebSocket);
  }

  get hasChannel(): boolean {
    return this.#channel !== undefined;
  }

  get memberships(): readonly string[] {
    return this.#channel === undefined ? [] : this.host.box.local.groupsOf(this.#channel);
  }

  get isJoinable(): boolean {
    return this.phase === 'open' || this.phase === 'pending' || this.phase === 'answering';
  }

  refuseUnaccepted(step: string): void {
    checkAccepted(this.phase, step);
  }

  get isOpen(): boolean {
    return this.phase === 'open';
  }

  get bufferedBytes(): number {
    return this.wire?.bufferedBytes ?? 0;
  }

  isConnected(): boolean {
    return this.phase === 'open' && !this.#hasFailedToSend;
  }

  join(group: string): Promise<JoinResult> {
    return this.host.box.addChannelToGroup(this.channel, group);
  }

  resume(group: string, options?: ResumeOptions): Promise<HistoryPage> {
    return this.host.box.resume(this.channel, group, options);
  }

  leave(group: string): Promise<LeaveResult> {
    return this.host.box.removeChannelFromGroup(this.channel, group);
  }

  claim(channel: Channel): void {
    if (this.#channel !== undefined) {
      throw new BoxError(
        'CHANNELBOX_CHANNEL_CLAIMED',
        'the socket has a channel already, and it has only one; make it before the first join, or use ws.channel',
      );
    }
    this.#channel = channel as SocketChannel;
  }

  deliverFrame(frame: Frame, nowMs: number): SendOutcome {
    const wire = this.wire;
    if (wire === undefined || this.phase !== 'open') return 'closed';
    if (wire.waitingBytes > 0 && wire.bufferedBytes + frame.byteLength > this.limits.maxBufferedBytes) {
      return 'dropped';
    }
    const outcome = wire.write(frame);
    if (outcome === 'closed') this.#hasFailedToSend = true;
    else this.lastDataMs = nowMs;
    return outcome;
  }

  handleBackpressure(): void {
    this.host.count('slowConsumers');
    if (this.limits.slowConsumer === 'close' && this.isOpen) this.startClose(closeCode.tryAgainLater, 'too slow');
  }

  sendFrame(frame: Frame): Promise<SendOutcome> {
    this.probe?.called?.('send');
    const wire = this.wire;
    if (wire === undefined || this.phase !== 'open') {
      try {
        checkAccepted(this.phase, 'send');
      } catch (error) {
        return Promise.reject(error as Error);
      }
      return settled.closed;
    }
    const outcome = wire.write(frame);
    if (outcome === 'closed') {
      this.#hasFailedToSend = true;
      return settled.closed;
    }
    this.lastDataMs = this.scheduler.turn.stampMs();
    if (wire.bufferedBytes <= this.limits.maxBufferedBytes) return settled[outcome];
    return this.pending('send', this.#untilDrained(wire, outcome));
  }

  expire(): void {
    this.host.count('expired');
    if (this.host.box.closesExpired) {
      if (this.phase === 'open') this.startClose(closeCode.channelExpired, 'expired');
    } else if (this.#channel !== undefined) this.host.box.leaveAll(this.#channel);
  }

  async publishMetadata(): Promise<void> {
    if (this.#channel !== undefined) await this.host.box.announce(this.#channel);
  }

  abstract close(code?: number, reason?: string): Promise<void>;
  protected abstract startClose(code: number, reason: string): void;

  /** It is open: from here on it can be named, and its channel may expire. */
  protected enterGroups(): void {
    if (this.#id !== undefined) this.host.box.local.register(this.#id, this);
    this.#channel?.startExpiry();
  }

  /** It has ended: its channel is in no group any more. */
  protected leaveGroups(): void {
    this.host.box.local.unregister(this);
    if (this.#channel === undefined) return;
    this.#channel.stopExpiry();
    this.host.box.leaveAll(this.#channel);
  }

  async #untilDrained(wire: Wire, outcome: SendOutcome): Promise<SendOutcome> {
    await wire.drained();
    return this.phase === 'open' ? outcome : 'closed';
  }
}
