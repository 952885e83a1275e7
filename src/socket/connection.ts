import { SocketChannel } from '../channel/channel.ts';
import type { ChannelSocket } from '../channel/channel-socket.ts';
import type { WebSocketDisconnect } from '../errors.ts';
import type { Channel, Limits, Params, SendOutcome } from '../api.ts';
import { whileWaiting, type Denial, type Probe } from '../probe.ts';
import type { RefusalReason } from '../protocol/counters.ts';
import { quiet, settled, WatchedPromise, type Watch } from '../promise.ts';
import { checkCloseCode, closeCode, trimReason } from '../protocol/close-code.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Deadline } from '../time/deadlines.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { Upgrade, Wire } from '../transport/transport.ts';
import type { CloseTime } from './close-time.ts';
import { expired, SocketEnd, tooSlow, vanished, type Ending } from './ending.ts';
import type { SocketHost, SocketRequest } from './host.ts';
import { Inbox } from './inbox.ts';
import type { InboxOwner } from './inbox-owner.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
import { unaccepted, type SocketState } from './state.ts';

/**
 * The framework drives one connection by this: its phase, its deadlines, its wire, its place among the channels. What
 * a handler calls stands in `ServerWebSocket`; the two are one object, since every idle connection pays for it.
 */
export class Connection implements ChannelSocket, Deadline, InboxOwner, OutboxOwner {
  readonly limits: Limits;
  readonly upgrade: Upgrade;
  readonly route: string | undefined;
  readonly params: Params;
  /** Monotonic milliseconds of the last data frame in either direction, or of the accept; −1 before it. */
  lastDataMs: number = -1;
  heapIndex: number = -1;
  /**
   * Sees each frame before anyone else: below 0 refuses it, above 0 is for how many milliseconds it waits. Set by a guard such
   * as the rate limit.
   */
  guard: ((byteLength: number) => number) | undefined = undefined;
  /** How far the app's own code has come: `reached` is the handler, or a consumer's hooks. */
  progress: 'begun' | 'reached' | 'over' = 'begun';
  readonly host: SocketHost;
  readonly inbox: Inbox;
  /** Whether it is among those that may hold something for their peer. */
  listedIn: number = -1;
  /** Changed by `answering`, `accepted`, `#denied` and `#ended` alone. */
  #phase: SocketState = 'pending';
  /** From the accept on, however it has ended since. */
  #outbox: Outbox | undefined = undefined;
  #waitsUntilMs = Infinity;
  #id: string | undefined = undefined;
  #channel: SocketChannel | undefined = undefined;
  #hook = 'handler';
  #end: SocketEnd | undefined = undefined;
  /** When what let it in runs out. */
  protected closeTime: CloseTime | undefined = undefined;
  /** For a consumer that did not await its accept. */
  #tellAnswered: (() => void) | undefined = undefined;

  constructor(host: SocketHost, request: SocketRequest) {
    this.host = host;
    this.upgrade = request.upgrade;
    this.route = request.route;
    this.params = request.params;
    this.limits = request.limits;
    this.inbox = new Inbox(this);
  }

  get scheduler(): Scheduler {
    return this.host.scheduler;
  }

  get probe(): Probe | undefined {
    return this.host.probe;
  }

  /** Which of the app's own functions runs, or ran last. */
  get hook(): string {
    return this.#hook;
  }

  set hook(hook: string) {
    this.#hook = hook;
    if (hook !== 'middleware' && this.progress === 'begun') this.progress = 'reached';
  }

  // ── Its phase ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get phase(): SocketState {
    return this.#phase;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  get isJoinable(): boolean {
    return this.#phase === 'open' || this.#phase === 'pending' || this.#phase === 'answering';
  }

  /** Whether it was accepted, however it has ended since. */
  get wasAccepted(): boolean {
    return this.#outbox !== undefined;
  }

  get wire(): Wire | undefined {
    return this.#outbox?.wire;
  }

  protected answering(): void {
    this.#phase = 'answering';
  }

  /** The accept has ended well: frames go and come, it can be named, its channel may expire, silence is measured. */
  protected accepted(wire: Wire): void {
    this.#phase = 'open';
    this.#outbox = new Outbox(wire, this);
    this.host.counters.accepted += 1;
    this.host.stores.admit(this);
    if (this.#channel !== undefined) this.host.box.local.openChannels += 1;
    this.lastDataMs = this.scheduler.turn.stampMs();
    this.inbox.pulse.start(this.lastDataMs);
    if (this.#id !== undefined) this.host.box.local.register(this.#id, this);
    this.#channel?.startExpiry();
    this.inbox.open(wire);
    if (this.#end?.closesAs !== undefined) this.#startClose(this.#end.closesAs);
    this.#tellAnswered?.();
  }

  #denied(ending: Ending | undefined): void {
    this.#phase = 'denied';
    this.scheduler.deadlines.cancel(this);
    this.#leaveGroups();
    if (ending !== undefined) this.end.come(ending);
  }

  /** The first end counts, and from there on the channel is in no group. */
  #ended(phase: 'closing' | 'closed', ending: Ending): void {
    if (this.isOpen && this.#channel !== undefined) this.host.box.local.openChannels -= 1;
    this.#phase = phase;
    if (this.end.hasCome) return;
    this.#leaveGroups();
    this.end.come(ending);
  }

  // ── Its end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  get end(): SocketEnd {
    this.#end ??= new SocketEnd();
    return this.#end;
  }

  get disconnect(): WebSocketDisconnect {
    return this.end.disconnect;
  }

  /** @param ending what a handler that is still at it learns by its signal */
  async refuse(response: Response, denial: Denial, ending?: Ending): Promise<void> {
    this.#denied(ending);
    this.host.denied(this, denial, response.status);
    await this.upgrade.deny(response);
  }

  /** The client left, or was cut off, before it was answered. */
  leaveUnanswered(): void {
    if (this.#phase !== 'pending' && this.#phase !== 'answering') return;
    this.#ended('closed', vanished);
    this.inbox.drop();
    this.end.settle();
    this.host.left(this);
    this.#tellAnswered?.();
  }

  close(code: number = closeCode.normal, reason = ''): Promise<void> {
    try {
      checkCloseCode(code);
      reason = trimReason(reason);
    } catch (error) {
      return WatchedPromise.rejecting(error, this.watch('close'));
    }
    if (this.#phase === 'pending') {
      const refusing = this.refuse(new Response(null, { status: 403 }), { by: this.refuser, code });
      return WatchedPromise.of(refusing, this.watch('close'));
    }
    if (this.#phase === 'answering') {
      this.end.closesAs ??= { code, reason, wasClean: true };
      return whileWaiting(this.probe, 'close', this.end.close());
    }
    if (this.#phase === 'open') this.#startClose({ code, reason, wasClean: true });
    const closed = this.#end?.closed;
    return closed === undefined ? settled.done : whileWaiting(this.probe, 'close', closed);
  }

  terminate(): void {
    if (this.#phase === 'pending') void quiet(this.refuse(new Response(null, { status: 503 }), { by: 'draining' }));
    else this.wire?.terminate();
  }

  /** The wire has closed. */
  gone(code: number, reason: string, wasClean: boolean): void {
    const isTimed = this.#phase === 'closing';
    this.#ended('closed', { code, reason, wasClean });
    const { counters } = this.host;
    counters.end(this.end.code);
    if (!wasClean && (code === closeCode.protocolError || code === closeCode.invalidPayload))
      counters.protocolErrors += 1;
    this.end.settle();
    if (this.wire?.isReleased !== false) this.released();
    // The peer may keep its connection as long as a close may take, and counts until then.
    else if (!isTimed) this.waitFor(this.limits.closeTimeoutMs);
  }

  released(): void {
    this.scheduler.deadlines.cancel(this);
    this.host.ended(this);
  }

  breach(ending: Ending): void {
    if (this.#phase === 'open') this.#startClose(ending);
  }

  protected get refuser(): RefusalReason {
    return this.#hook === 'middleware' ? 'middleware' : 'handler';
  }

  #startClose(ending: Ending): void {
    void this.end.close();
    this.#ended('closing', ending);
    this.wire?.close(ending.code, ending.reason);
    this.host.stores.wrote(this);
    this.waitFor(this.limits.closeTimeoutMs);
    this.inbox.drop();
  }

  // ── Its deadline: the accept, the next sign of life, or the peer's close ──────────────────────────────────────────

  get dueMs(): number {
    return this.#phase === 'open' ? this.inbox.pulse.dueMs : this.#waitsUntilMs;
  }

  onDue(nowMs: number): void {
    if (this.#phase === 'pending')
      void quiet(this.refuse(new Response(null, { status: 503 }), { by: 'timeout' }, vanished));
    else if (this.#phase === 'closing' || this.#phase === 'closed') this.wire?.terminate();
    else if (this.#phase === 'open' && !this.inbox.pulse.isAlive(nowMs, this.wire)) {
      this.host.counters.heartbeatTimeouts += 1;
      this.wire?.terminate();
    }
  }

  /** From here on a wait is bounded: that for `accept`, or for the end of a close. */
  waitFor(waitMs: number): void {
    this.#waitsUntilMs = this.scheduler.clock.monotonic() + waitMs;
    this.scheduler.deadlines.schedule(this);
  }

  /** Calls back when the accept that is on its way has ended, one way or the other. */
  onceAnswered(tell: () => void): void {
    this.#tellAnswered = tell;
  }

  watch(call: string): Watch {
    return this.host.watch(this, call);
  }

  heard(nowMs: number, byteLength: number): number {
    const waitMs = this.guard?.(byteLength) ?? 0;
    if (waitMs >= 0) this.lastDataMs = nowMs;
    return waitMs;
  }

  // ── Its place among the channels ──────────────────────────────────────────────────────────────────────────────────

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
    return this.#channel ?? new SocketChannel(this);
  }

  get hasChannel(): boolean {
    return this.#channel !== undefined;
  }

  get memberships(): readonly string[] {
    return this.#channel === undefined ? [] : this.host.box.local.groupsOf(this.#channel);
  }

  get bufferedBytes(): number {
    return this.wire?.bufferedBytes ?? 0;
  }

  isConnected(): boolean {
    return this.#phase === 'open' && this.#outbox?.hasFailed === false;
  }

  refuseUnaccepted(step: string): void {
    const fault = unaccepted(this.#phase, step);
    if (fault !== undefined) throw fault;
  }

  claim(channel: Channel): void {
    this.#channel = channel as SocketChannel;
    if (this.isOpen) this.host.box.local.openChannels += 1;
  }

  deliverFrame(frame: Frame, nowMs: number): SendOutcome {
    return this.#outbox === undefined || this.#phase !== 'open' ? 'closed' : this.#outbox.deliver(frame, nowMs);
  }

  handleBackpressure(): void {
    this.host.counters.slowConsumers += 1;
    this.host.counters.dropped += 1;
    if (this.limits.slowConsumer === 'close') this.breach(tooSlow);
  }

  sendFrame(frame: Frame): Promise<SendOutcome> {
    this.probe?.called?.('send');
    if (this.#outbox !== undefined && this.#phase === 'open') return this.#outbox.send(frame);
    const fault = unaccepted(this.#phase, 'send');
    return fault === undefined ? settled.closed : WatchedPromise.rejecting(fault, this.watch('send'));
  }

  expire(): void {
    this.host.counters.expired += 1;
    if (this.host.box.closesExpired) this.breach(expired);
    else if (this.#channel !== undefined) this.host.box.leaveAll(this.#channel);
  }

  async publishMetadata(): Promise<void> {
    if (this.#channel !== undefined) await this.host.box.announce(this.#channel);
  }

  /** It has ended: its channel is in no group any more. */
  #leaveGroups(): void {
    this.closeTime?.cancel();
    this.host.box.local.unregister(this);
    if (this.#channel === undefined) return;
    this.#channel.stopExpiry();
    this.host.box.leaveAll(this.#channel);
  }
}
