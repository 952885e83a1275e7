import { SocketChannel } from '../channel/channel.ts';
import type { Seat, Seated } from '../channel/seat.ts';
import { BoxError, WebSocketDisconnect } from '../errors.ts';
import type {
  Channel,
  HistoryPage,
  JoinResult,
  LeaveResult,
  ReceiveOptions,
  ResumeOptions,
  SendOutcome,
  WebSocket,
} from '../handler.ts';
import type { Denial, Denier, Visit } from '../probe.ts';
import type { Frame } from '../transport/frame.ts';
import type { Message, Wire } from '../transport/transport.ts';
import { acceptAnswer, denyResponse, type AcceptOptions } from './answer.ts';
import { checkCloseCode, closeCode, trimReason } from './close-code.ts';
import { Inbox, type InboxOwner, type Sink } from './inbox.ts';
import type { SocketHost, SocketRequest } from './requested.ts';
import { checkAccepted, checkAnswerable } from './state.ts';
import { TalkingSocket } from './talking.ts';

const outcomes = {
  sent: Promise.resolve<SendOutcome>('sent'),
  queued: Promise.resolve<SendOutcome>('queued'),
  dropped: Promise.resolve<SendOutcome>('dropped'),
  closed: Promise.resolve<SendOutcome>('closed'),
};
/** What a send that need not wait returns: whoever meets one of these may go on at once. */
export function isSettledOutcome(promise: unknown): boolean {
  return promise === outcomes.sent || promise === outcomes.queued || promise === outcomes.closed;
}

const done = Promise.resolve();

/** One connection, from its upgrade request to the end of its closing handshake. */
export class ServerWebSocket extends TalkingSocket implements WebSocket, Seat, Seated, Visit, InboxOwner {
  hasReachedHandler: boolean = false;
  #hook = 'handler';
  readonly #inbox: Inbox;
  #hasFailedToSend = false;
  #id: string | undefined = undefined;
  #channel: SocketChannel | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #disconnect: WebSocketDisconnect | undefined = undefined;
  #endCode = 0;
  #endReason = '';
  #endWasClean = false;
  /** A close that came while the accept was on its way. */
  #closesAs: { code: number; reason: string } | undefined = undefined;
  #closing: { promise: Promise<void>; resolve: () => void } | undefined = undefined;
  /** For a consumer that did not await its accept. */
  #tellAnswered: (() => void) | undefined = undefined;

  constructor(host: SocketHost, request: SocketRequest) {
    super(host, request);
    this.#inbox = new Inbox(this);
  }

  /** Which of the app's own functions runs, or ran last. */
  get hook(): string {
    return this.#hook;
  }

  set hook(hook: string) {
    this.#hook = hook;
    if (hook !== 'middleware') this.hasReachedHandler = true;
  }

  get visit(): Visit {
    return this;
  }

  get seat(): Seat {
    return this;
  }

  get id(): string {
    if (this.#id === undefined) {
      this.#id = this.host.box.channelId();
      if (this.isOpen) this.host.box.local.list(this.#id, this);
    }
    return this.#id;
  }

  get knownId(): string | undefined {
    return this.#id;
  }

  get channel(): Channel {
    return this.#channel ?? new SocketChannel(this);
  }

  get hasChannel(): boolean {
    return this.#channel !== undefined;
  }

  get memberships(): readonly string[] {
    return this.#channel === undefined ? [] : this.host.box.local.groupsOf(this.#channel);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#inbox.hasEnded) this.#abort.abort(this.disconnect);
    }
    return this.#abort.signal;
  }

  get disconnect(): WebSocketDisconnect {
    this.#disconnect ??= new WebSocketDisconnect(this.#endCode, this.#endReason, this.#endWasClean);
    return this.#disconnect;
  }

  get bufferedBytes(): number {
    return this.wire?.bufferedBytes ?? 0;
  }

  get isOpen(): boolean {
    return this.standing === 'open';
  }

  get isPending(): boolean {
    return this.standing === 'pending';
  }

  /** An accept is on its way. */
  get isAnswering(): boolean {
    return this.standing === 'answering';
  }

  /** Whether it was accepted, however it has ended since. */
  get wasAccepted(): boolean {
    return (
      this.standing === 'open' || this.standing === 'closing' || (this.standing === 'closed' && this.wire !== undefined)
    );
  }

  get inboundQueueMax(): number {
    return this.limits.inboundQueue;
  }

  isConnected(): boolean {
    return this.standing === 'open' && !this.#hasFailedToSend;
  }

  async accept(options: AcceptOptions = {}): Promise<void> {
    if (this.standing === 'closed') throw this.disconnect;
    checkAnswerable(this.standing, 'accept');
    const answer = acceptAnswer(this.upgrade, options);
    this.standing = 'answering';
    let wire: Wire;
    const token = this.probe?.enter?.('accept');
    try {
      wire = await this.upgrade.accept({ ...answer, maxPayloadBytes: this.limits.maxPayloadBytes });
    } catch (error) {
      if (this.standing === 'answering') this.leaveUnanswered();
      throw error instanceof WebSocketDisconnect ? this.disconnect : error;
    } finally {
      this.probe?.leave?.(token);
    }
    if (this.standing !== 'answering') {
      wire.terminate();
      throw this.disconnect;
    }
    this.#open(wire);
    if (this.#closesAs !== undefined) this.#startClose(this.#closesAs.code, this.#closesAs.reason);
    this.#tellAnswered?.();
  }

  async deny(response: Response | number): Promise<void> {
    if (this.standing === 'closed') throw this.disconnect;
    const answer = denyResponse(response);
    checkAnswerable(this.standing, 'deny');
    await this.refuse(answer, { by: this.#answerer });
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

  close(code: number = closeCode.normal, reason = ''): Promise<void> {
    try {
      checkCloseCode(code);
      reason = trimReason(reason);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.standing === 'pending') {
      return this.refuse(new Response(null, { status: 403 }), { by: this.#answerer, code });
    }
    if (this.standing === 'answering') {
      this.#closesAs = { code, reason };
      return done;
    }
    if (this.standing === 'open') this.#startClose(code, reason);
    return this.#closing === undefined ? done : this.pending('close', this.#closing.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.standing !== 'denied' && this.standing !== 'closed') await this.close();
  }

  // ── For its channel and its box ───────────────────────────────────────────────────────────────────────────────────

  claim(channel: Channel): void {
    if (this.#channel !== undefined) {
      throw new BoxError(
        'CHANNELBOX_CHANNEL_CLAIMED',
        'the socket has a channel already, and it has only one; make it before the first join, or use ws.channel',
      );
    }
    this.#channel = channel as SocketChannel;
  }

  deliver(frame: Frame, nowMs: number): SendOutcome {
    const wire = this.wire;
    if (wire === undefined || this.standing !== 'open') return 'closed';
    if (wire.waitingBytes > 0 && wire.bufferedBytes + frame.byteLength > this.limits.maxBufferedBytes) {
      this.host.count('slowConsumers');
      if (this.limits.slowConsumer === 'close') this.#startClose(closeCode.tryAgainLater, 'too slow');
      return 'dropped';
    }
    const outcome = wire.write(frame);
    if (outcome === 'closed') this.#hasFailedToSend = true;
    else this.lastDataMs = nowMs;
    return outcome;
  }

  post(frame: Frame): Promise<SendOutcome> {
    this.probe?.called?.('send');
    const wire = this.wire;
    if (wire === undefined || this.standing !== 'open') {
      try {
        checkAccepted(this.standing, 'send');
      } catch (error) {
        return Promise.reject(error as Error);
      }
      return outcomes.closed;
    }
    const outcome = wire.write(frame);
    if (outcome === 'closed') {
      this.#hasFailedToSend = true;
      return outcomes.closed;
    }
    this.lastDataMs = this.keeping.turn.stampMs();
    if (wire.bufferedBytes <= this.limits.maxBufferedBytes) return outcomes[outcome];
    return this.pending('send', this.#untilDrained(wire, outcome));
  }

  expire(): void {
    this.host.count('expired');
    if (this.host.box.closesExpired) {
      if (this.standing === 'open') this.#startClose(closeCode.channelExpired, 'expired');
    } else if (this.#channel !== undefined) this.host.box.leaveAll(this.#channel);
  }

  async announce(): Promise<void> {
    if (this.#channel !== undefined) await this.host.box.announce(this.#channel);
  }

  // ── For its app ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Hands every frame to `sink` from here on. */
  serve(sink: Sink): void {
    this.#inbox.serve(sink);
  }

  /** Calls back when the accept that is on its way has ended, one way or the other. */
  onceAnswered(tell: () => void): void {
    this.#tellAnswered = tell;
  }

  async refuse(response: Response, denial: Denial): Promise<void> {
    this.standing = 'denied';
    this.keeping.deadlines.drop(this);
    if (denial.by === 'timeout') {
      this.#endCode = closeCode.abnormal;
      this.#abort?.abort(this.disconnect);
    }
    this.host.denied(this, denial);
    await this.upgrade.deny(response);
  }

  /** The client left, or was cut off, before it was answered. */
  leaveUnanswered(): void {
    if (this.standing !== 'pending' && this.standing !== 'answering') return;
    this.#finish(closeCode.abnormal, '', false);
    this.#inbox.drop();
    this.host.ended(this);
    this.#tellAnswered?.();
  }

  terminate(): void {
    if (this.standing === 'pending') void this.refuse(new Response(null, { status: 503 }), { by: 'limit' });
    else this.wire?.terminate();
  }

  get endCode(): number {
    return this.#endCode;
  }

  get endReason(): string {
    return this.#endReason;
  }

  /** For what is no error of the app: seen at level debug. */
  note(what: string, error: Error): void {
    try {
      this.app.logger.debug(what, { connection: this.id, route: this.route, hook: this.hook, error: error.message });
    } catch {
      this.host.count('logFailures');
    }
  }

  report(error: unknown, hook: string): void {
    this.host.report(this, error, hook);
  }

  protected override refuseLate(): void {
    void this.refuse(new Response(null, { status: 503 }), { by: 'timeout' });
  }

  protected override get isOver(): boolean {
    return this.#inbox.hasEnded;
  }

  protected override receiveAs<T>(
    call: string,
    convert: (message: Message) => T,
    options?: ReceiveOptions,
  ): Promise<T> {
    try {
      checkAccepted(this.standing, call);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.#inbox.receive(call, convert, options);
  }

  gone(code: number, reason: string, wasClean: boolean): void {
    if (this.standing === 'open') this.#finish(code, reason, wasClean);
    else this.standing = 'closed';
    this.keeping.deadlines.drop(this);
    this.#closing?.resolve();
    this.host.ended(this);
  }

  get #answerer(): Denier {
    return this.hook === 'middleware' ? 'middleware' : 'handler';
  }

  #open(wire: Wire): void {
    this.wire = wire;
    this.standing = 'open';
    this.host.count('accepted');
    this.host.box.local.admit(this);
    if (this.#id !== undefined) this.host.box.local.list(this.#id, this);
    this.startPulse();
    this.#channel?.startExpiry();
    this.#inbox.open(wire);
  }

  #startClose(code: number, reason: string): void {
    let resolve = (): void => {};
    const promise = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#closing = { promise, resolve };
    this.#finish(code, reason, true);
    this.standing = 'closing';
    this.wire?.close(code, reason);
    this.startCloseTimeout();
    this.#inbox.drop();
  }

  /** The first end counts: its code is what everyone learns, and from here on the channel is in no group. */
  #finish(code: number, reason: string, wasClean: boolean): void {
    this.standing = 'closed';
    this.#endCode = code;
    this.#endReason = reason;
    this.#endWasClean = wasClean;
    this.host.box.local.release(this);
    if (this.#channel !== undefined) {
      this.#channel.stopExpiry();
      this.host.box.leaveAll(this.#channel);
    }
    this.#abort?.abort(this.disconnect);
  }

  async #untilDrained(wire: Wire, outcome: SendOutcome): Promise<SendOutcome> {
    await wire.drained();
    return this.standing === 'open' ? outcome : 'closed';
  }
}
