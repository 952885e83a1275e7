import type { Box } from '../channel/box.ts';
import { SocketChannel } from '../channel/channel.ts';
import type { Seat, Seated } from '../channel/seat.ts';
import type { Due } from '../deadlines.ts';
import { BoxError, HandshakeError, WebSocketDisconnect } from '../errors.ts';
import type {
  AppView,
  Channel,
  ChannelBox,
  HistoryPage,
  JoinResult,
  LeaveResult,
  Limits,
  Params,
  ReceiveOptions,
  ResumeOptions,
  Scope,
  SendOutcome,
  State,
  WebSocket,
} from '../handler.ts';
import type { Keeping } from '../keeping.ts';
import type { Denial, Denier, Probe, Visit } from '../probe.ts';
import { Frame } from '../transport/frame.ts';
import type { Message, Upgrade, Wire } from '../transport/transport.ts';
import { acceptAnswer, denyResponse, type AcceptOptions } from './answer.ts';
import { checkCloseCode, closeCode, trimReason } from './close-code.ts';
import { asBytes, asJson, asText, encodeJson } from './codec.ts';
import { Frames } from './frames.ts';
import { Inbox, type InboxOwner, type Sink } from './inbox.ts';
import { RequestView } from './request.ts';
import { checkAccepted, checkAnswerable, type SocketState } from './state.ts';

/** What a socket needs of its app. */
export interface SocketHost {
  readonly view: AppView;
  readonly box: Box;
  readonly keeping: Keeping;
  readonly probe: Probe | undefined;
  count(event: string): void;
  denied(socket: ServerWebSocket, denial: Denial): void;
  /** It can no longer be written to or read from. */
  ended(socket: ServerWebSocket): void;
  /** An error of the app's own code that no promise carries. */
  report(socket: ServerWebSocket, error: unknown, hook: string): void;
}

export interface SocketRequest {
  readonly upgrade: Upgrade;
  readonly route: string | undefined;
  readonly params: Params;
  readonly limits: Limits;
}

const outcomes = {
  sent: Promise.resolve<SendOutcome>('sent'),
  queued: Promise.resolve<SendOutcome>('queued'),
  dropped: Promise.resolve<SendOutcome>('dropped'),
  closed: Promise.resolve<SendOutcome>('closed'),
};
const done = Promise.resolve();
const same = (message: Message): Message => message;

/** One connection, from its upgrade request to the end of its closing handshake. */
export class ServerWebSocket implements WebSocket, Seat, Seated, Visit, Due, InboxOwner {
  readonly limits: Limits;
  readonly upgrade: Upgrade;
  readonly route: string | undefined;
  readonly params: Params;
  hasReachedHandler: boolean = false;
  lastDataMs: number = 0;
  filedMs: number = Infinity;
  filedAt: number = -1;
  /** Sees each frame before anyone else; false refuses it. Set by a guard such as the rate limit. */
  guard: (() => boolean) | undefined = undefined;
  #hook = 'handler';
  readonly #host: SocketHost;
  readonly #inbox: Inbox;
  #wire: Wire | undefined = undefined;
  #state: SocketState = 'pending';
  #hasFailedToSend = false;
  #id: string | undefined = undefined;
  #channel: SocketChannel | undefined = undefined;
  #bag: State | undefined = undefined;
  #request: RequestView | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #disconnect: WebSocketDisconnect | undefined = undefined;
  /** What the state waits for, monotonic: the accept, the next sign of life, or the peer's close. */
  #waitsUntilMs = Infinity;
  #heardMs = 0;
  #pingedMs = 0;
  #stoppedReadingMs = -1;
  #endCode = 0;
  #endReason = '';
  #endWasClean = false;
  /** A close that came while the accept was on its way. */
  #closesAs: { code: number; reason: string } | undefined = undefined;
  #closing: { promise: Promise<void>; resolve: () => void } | undefined = undefined;
  /** For a consumer that did not await its accept. */
  #tellAnswered: (() => void) | undefined = undefined;

  constructor(host: SocketHost, request: SocketRequest) {
    this.#host = host;
    this.upgrade = request.upgrade;
    this.route = request.route;
    this.params = request.params;
    this.limits = request.limits;
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
      this.#id = this.#host.box.uuid();
      if (this.isOpen) this.#host.box.local.list(this.#id, this);
    }
    return this.#id;
  }

  get knownId(): string | undefined {
    return this.#id;
  }

  get url(): URL {
    return this.#asked.url;
  }

  get path(): string {
    return this.#asked.url.pathname;
  }

  get pathParams(): Params {
    return this.params;
  }

  get query(): URLSearchParams {
    return this.#asked.url.searchParams;
  }

  get queryParams(): URLSearchParams {
    return this.#asked.url.searchParams;
  }

  get headers(): Headers {
    return this.#asked.headers;
  }

  get client(): { readonly host: string; readonly port: number } {
    return this.upgrade.client;
  }

  get subprotocols(): readonly string[] {
    return this.#asked.subprotocols;
  }

  get scope(): Scope {
    return this.#asked.scope;
  }

  get app(): AppView {
    return this.#host.view;
  }

  get channelBox(): ChannelBox {
    return this.#host.box;
  }

  get keeping(): Keeping {
    return this.#host.keeping;
  }

  get probe(): Probe | undefined {
    return this.#host.probe;
  }

  get channel(): Channel {
    return this.#channel ?? new SocketChannel(this);
  }

  get hasChannel(): boolean {
    return this.#channel !== undefined;
  }

  get memberships(): readonly string[] {
    return this.#channel === undefined ? [] : this.#host.box.local.groupsOf(this.#channel);
  }

  get state(): State {
    this.#bag ??= {};
    return this.#bag;
  }

  set state(state: State) {
    this.#bag = state;
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
    return this.#wire?.bufferedBytes ?? 0;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isPending(): boolean {
    return this.#state === 'pending';
  }

  /** An accept is on its way. */
  get isAnswering(): boolean {
    return this.#state === 'answering';
  }

  /** Whether it was accepted, however it has ended since. */
  get wasAccepted(): boolean {
    return (
      this.#state === 'open' || this.#state === 'closing' || (this.#state === 'closed' && this.#wire !== undefined)
    );
  }

  get inboundQueueMax(): number {
    return this.limits.inboundQueue;
  }

  isConnected(): boolean {
    return this.#state === 'open' && !this.#hasFailedToSend;
  }

  async accept(options: AcceptOptions = {}): Promise<void> {
    if (this.#state === 'closed') throw this.disconnect;
    checkAnswerable(this.#state, 'accept');
    const answer = acceptAnswer(this.upgrade, options);
    this.#state = 'answering';
    let wire: Wire;
    const token = this.probe?.enter?.('accept');
    try {
      wire = await this.upgrade.accept({ ...answer, maxPayloadBytes: this.limits.maxPayloadBytes });
    } catch (error) {
      if (this.#state === 'answering') this.leaveUnanswered();
      throw error instanceof WebSocketDisconnect ? this.disconnect : error;
    } finally {
      this.probe?.leave?.(token);
    }
    if (this.#state !== 'answering') {
      wire.terminate();
      throw this.disconnect;
    }
    this.#open(wire);
    if (this.#closesAs !== undefined) this.#startClose(this.#closesAs.code, this.#closesAs.reason);
    this.#tellAnswered?.();
  }

  async deny(response: Response | number): Promise<void> {
    if (this.#state === 'closed') throw this.disconnect;
    const answer = denyResponse(response);
    checkAnswerable(this.#state, 'deny');
    await this.refuse(answer, { by: this.#answerer });
  }

  receive(options?: ReceiveOptions): Promise<Message> {
    return this.#receive('receive', same, options);
  }

  receiveText(options?: ReceiveOptions): Promise<string> {
    return this.#receive('receiveText', asText, options);
  }

  receiveBytes(options?: ReceiveOptions): Promise<Uint8Array> {
    return this.#receive('receiveBytes', asBytes, options);
  }

  receiveJson<T = unknown>(options?: ReceiveOptions): Promise<T> {
    return this.#receive('receiveJson', asJson as (message: Message) => T, options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return this.#frames('receive', same)[Symbol.asyncIterator]();
  }

  iterText(): AsyncIterable<string> {
    return this.#frames('receiveText', asText);
  }

  iterBytes(): AsyncIterable<Uint8Array> {
    return this.#frames('receiveBytes', asBytes);
  }

  iterJson<T = unknown>(): AsyncIterable<T> {
    return this.#frames('receiveJson', asJson as (message: Message) => T);
  }

  send(data: string | Uint8Array): Promise<SendOutcome> {
    return typeof data === 'string' ? this.sendText(data) : this.sendBytes(data);
  }

  sendText(text: string): Promise<SendOutcome> {
    if (typeof text !== 'string') return Promise.reject(wrongData('sendText', 'a string', text));
    return this.post(Frame.text(text));
  }

  sendBytes(bytes: Uint8Array): Promise<SendOutcome> {
    if (!(bytes instanceof Uint8Array)) return Promise.reject(wrongData('sendBytes', 'a Uint8Array', bytes));
    return this.post(Frame.bytes(bytes));
  }

  sendJson(value: unknown, mode: 'text' | 'binary' = 'text'): Promise<SendOutcome> {
    try {
      const text = encodeJson(value);
      return this.post(mode === 'text' ? Frame.text(text) : Frame.bytes(Buffer.from(text)));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  join(group: string): Promise<JoinResult> {
    return this.#host.box.addChannelToGroup(this.channel, group);
  }

  resume(group: string, options?: ResumeOptions): Promise<HistoryPage> {
    return this.#host.box.resume(this.channel, group, options);
  }

  leave(group: string): Promise<LeaveResult> {
    return this.#host.box.removeChannelFromGroup(this.channel, group);
  }

  close(code: number = closeCode.normal, reason = ''): Promise<void> {
    try {
      checkCloseCode(code);
      reason = trimReason(reason);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.#state === 'pending') {
      return this.refuse(new Response(null, { status: 403 }), { by: this.#answerer, code });
    }
    if (this.#state === 'answering') {
      this.#closesAs = { code, reason };
      return done;
    }
    if (this.#state === 'open') this.#startClose(code, reason);
    return this.#closing === undefined ? done : this.#pending('close', this.#closing.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'denied' && this.#state !== 'closed') await this.close();
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
    const wire = this.#wire;
    if (wire === undefined || this.#state !== 'open') return 'closed';
    if (wire.waitingBytes > 0 && wire.bufferedBytes + frame.byteLength > this.limits.maxBufferedBytes) {
      this.#host.count('slowConsumers');
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
    const wire = this.#wire;
    if (wire === undefined || this.#state !== 'open') {
      try {
        checkAccepted(this.#state, 'send');
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
    return this.#pending('send', this.#untilDrained(wire, outcome));
  }

  expire(): void {
    this.#host.count('expired');
    if (this.#host.box.closesExpired) {
      if (this.#state === 'open') this.#startClose(closeCode.channelExpired, 'expired');
    } else if (this.#channel !== undefined) this.#host.box.leaveAll(this.#channel);
  }

  async announce(): Promise<void> {
    if (this.#channel !== undefined) await this.#host.box.announce(this.#channel);
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

  /** From here on the wait for `accept` is bounded. */
  startAcceptTimeout(): void {
    this.#waitUntil(this.keeping.clock.monotonic() + this.limits.acceptTimeoutMs);
  }

  async refuse(response: Response, denial: Denial): Promise<void> {
    this.#state = 'denied';
    this.keeping.deadlines.drop(this);
    if (denial.by === 'timeout') {
      this.#endCode = closeCode.abnormal;
      this.#abort?.abort(this.disconnect);
    }
    this.#host.denied(this, denial);
    await this.upgrade.deny(response);
  }

  /** The client left, or was cut off, before it was answered. */
  leaveUnanswered(): void {
    if (this.#state !== 'pending' && this.#state !== 'answering') return;
    this.#finish(closeCode.abnormal, '', false);
    this.#inbox.drop();
    this.#host.ended(this);
    this.#tellAnswered?.();
  }

  terminate(): void {
    if (this.#state === 'pending') void this.refuse(new Response(null, { status: 503 }), { by: 'limit' });
    else this.#wire?.terminate();
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
      this.#host.count('logFailures');
    }
  }

  report(error: unknown, hook: string): void {
    this.#host.report(this, error, hook);
  }

  // ── For its inbox ─────────────────────────────────────────────────────────────────────────────────────────────────

  heard(_message: Message): boolean {
    const nowMs = this.keeping.turn.stampMs();
    this.#heardMs = nowMs;
    this.#pingedMs = 0;
    if (this.guard !== undefined && !this.guard()) return false;
    this.lastDataMs = nowMs;
    return true;
  }

  heardPong(): void {
    this.#heardMs = this.keeping.turn.stampMs();
    this.#pingedMs = 0;
  }

  reads(isReading: boolean): void {
    const nowMs = this.keeping.turn.stampMs();
    if (!isReading) {
      this.#stoppedReadingMs = nowMs;
      return;
    }
    if (this.#pingedMs > 0) this.#pingedMs += nowMs - this.#stoppedReadingMs;
    this.#stoppedReadingMs = -1;
    this.keeping.deadlines.file(this);
  }

  gone(code: number, reason: string, wasClean: boolean): void {
    if (this.#state === 'open') this.#finish(code, reason, wasClean);
    else this.#state = 'closed';
    this.keeping.deadlines.drop(this);
    this.#closing?.resolve();
    this.#host.ended(this);
  }

  // ── Its own deadline: the accept, the heartbeat, the peer's close ─────────────────────────────────────────────────

  get dueMs(): number {
    if (this.#state !== 'open') return this.#waitsUntilMs;
    if (this.#stoppedReadingMs >= 0) return Infinity;
    return this.#pingedMs > 0
      ? this.#pingedMs + this.limits.heartbeatTimeoutMs
      : this.#heardMs + this.limits.heartbeatMs;
  }

  fallDue(nowMs: number): void {
    if (this.#state === 'pending') {
      void this.refuse(new Response(null, { status: 503 }), { by: 'timeout' });
    } else if (this.#state === 'closing') {
      this.#wire?.terminate();
    } else if (this.#state === 'open' && this.#pingedMs > 0) {
      this.#host.count('heartbeatTimeouts');
      this.#wire?.terminate();
    } else if (this.#state === 'open') {
      this.#pingedMs = nowMs;
      this.#wire?.ping();
      this.keeping.deadlines.file(this);
    }
  }

  get #asked(): RequestView {
    this.#request ??= new RequestView(this.upgrade, this.params, () => this.state);
    return this.#request;
  }

  get #answerer(): Denier {
    return this.hook === 'middleware' ? 'middleware' : 'handler';
  }

  #open(wire: Wire): void {
    this.#wire = wire;
    this.#state = 'open';
    this.#heardMs = this.lastDataMs = this.keeping.turn.stampMs();
    this.#host.count('accepted');
    this.#host.box.local.admit(this);
    if (this.#id !== undefined) this.#host.box.local.list(this.#id, this);
    this.#channel?.startExpiry();
    this.keeping.deadlines.file(this);
    this.#inbox.open(wire);
  }

  #receive<T>(call: string, convert: (message: Message) => T, options?: ReceiveOptions): Promise<T> {
    try {
      checkAccepted(this.#state, call);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.#inbox.receive(call, convert, options);
  }

  #frames<T>(call: string, convert: (message: Message) => T): Frames<T> {
    const socket = this;
    return new Frames({
      receive: () => socket.#receive(call, convert),
      get disconnect() {
        return socket.#disconnect;
      },
    });
  }

  #startClose(code: number, reason: string): void {
    let resolve = (): void => {};
    const promise = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#closing = { promise, resolve };
    this.#finish(code, reason, true);
    this.#state = 'closing';
    this.#wire?.close(code, reason);
    this.#waitUntil(this.keeping.clock.monotonic() + this.limits.closeTimeoutMs);
    this.#inbox.drop();
  }

  /** The first end counts: its code is what everyone learns, and from here on the channel is in no group. */
  #finish(code: number, reason: string, wasClean: boolean): void {
    this.#state = 'closed';
    this.#endCode = code;
    this.#endReason = reason;
    this.#endWasClean = wasClean;
    this.#host.box.local.release(this);
    if (this.#channel !== undefined) {
      this.#channel.stopExpiry();
      this.#host.box.leaveAll(this.#channel);
    }
    this.#abort?.abort(this.disconnect);
  }

  #waitUntil(dueMs: number): void {
    this.#waitsUntilMs = dueMs;
    this.keeping.deadlines.file(this);
  }

  async #untilDrained(wire: Wire, outcome: SendOutcome): Promise<SendOutcome> {
    await wire.drained();
    return this.#state === 'open' ? outcome : 'closed';
  }

  /** Tells a probe that what follows is a promise of ours. */
  #pending<T>(call: string, promise: Promise<T>): Promise<T> {
    const { probe } = this;
    if (probe?.enter === undefined) return promise;
    const token = probe.enter(call);
    return promise.finally(() => probe.leave?.(token));
  }
}

function wrongData(call: string, due: string, came: unknown): HandshakeError {
  return new HandshakeError(
    'CHANNELBOX_SEND_DATA',
    `${call}() takes ${due}, ${typeof came} came; use sendJson for data`,
  );
}
