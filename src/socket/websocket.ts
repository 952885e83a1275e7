import { WebSocketDisconnect } from '../errors.ts';
import type { ReceiveOptions, WebSocket } from '../api.ts';
import type { Denial, RefusalReason, ProbedConnection } from '../probe.ts';
import { quiet } from '../promise.ts';
import { settled } from '../promise.ts';
import type { Message } from '../protocol/message.ts';
import type { UpgradeAnswer, Wire } from '../transport/transport.ts';
import { acceptAnswer, denyResponse, type AcceptOptions } from './accept.ts';
import { checkCloseCode, closeCode, trimReason } from '../protocol/close-code.ts';
import { Inbox, type InboxOwner, type Sink } from './inbox.ts';
import type { SocketHost, SocketRequest } from './requested.ts';
import { SeatedSocket } from './seated.ts';
import { checkAccepted, checkAnswerable } from './state.ts';

/** One connection, from its upgrade request to the end of its closing handshake. */
export class ServerWebSocket extends SeatedSocket implements WebSocket, ProbedConnection, InboxOwner {
  hasReachedHandler: boolean = false;
  #hook = 'handler';
  readonly #inbox: Inbox;
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

  get connection(): ProbedConnection {
    return this;
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

  get isPending(): boolean {
    return this.phase === 'pending';
  }

  /** An accept is on its way. */
  get isAnswering(): boolean {
    return this.phase === 'answering';
  }

  /** Whether it was accepted, however it has ended since. */
  get wasAccepted(): boolean {
    return this.phase === 'open' || this.phase === 'closing' || (this.phase === 'closed' && this.wire !== undefined);
  }

  get inboundQueueMax(): number {
    return this.limits.inboundQueue;
  }

  /** Where the client has left, its rejection harms no hook that does not await it, and no process. */
  accept(options: AcceptOptions = {}): Promise<void> {
    if (this.phase === 'closed') return quiet(Promise.reject(this.disconnect));
    try {
      checkAnswerable(this.phase, 'accept');
      const { subprotocol, headers } = acceptAnswer(this.upgrade, options);
      const { maxPayloadBytes } = this.limits;
      this.phase = 'answering';
      const answer: UpgradeAnswer = {
        maxPayloadBytes,
        ...(subprotocol === undefined ? undefined : { subprotocol }),
        ...(headers === undefined ? undefined : { headers }),
      };
      return this.upgrade.acceptNow === undefined
        ? this.#whenAccepted(this.upgrade.accept(answer))
        : this.#acceptedNow(this.upgrade.acceptNow(answer));
    } catch (error) {
      if (this.phase === 'answering') this.leaveUnanswered();
      return Promise.reject(error as Error);
    }
  }

  #acceptedNow(wire: Wire | undefined): Promise<void> {
    if (wire === undefined) {
      this.leaveUnanswered();
      return quiet(Promise.reject(this.disconnect));
    }
    this.#accepted(wire);
    return settled.done;
  }

  #whenAccepted(opening: Promise<Wire>): Promise<void> {
    // No async function: it would keep three times as much for as long, at every handshake.
    const accepting: Promise<void> = this.pending('accept', opening).then(
      (wire) => {
        if (this.phase === 'answering') return this.#accepted(wire);
        wire.terminate();
        void quiet(accepting);
        throw this.disconnect;
      },
      (error: unknown) => {
        if (this.phase === 'answering') this.leaveUnanswered();
        if (!(error instanceof WebSocketDisconnect)) throw error;
        void quiet(accepting);
        throw this.disconnect;
      },
    );
    return accepting;
  }

  #accepted(wire: Wire): void {
    this.#open(wire);
    if (this.#closesAs !== undefined) this.startClose(this.#closesAs.code, this.#closesAs.reason);
    this.#tellAnswered?.();
  }

  async deny(response: Response | number): Promise<void> {
    if (this.phase === 'closed') throw this.disconnect;
    const answer = denyResponse(response);
    checkAnswerable(this.phase, 'deny');
    await this.refuse(answer, { by: this.#answerer });
  }

  close(code: number = closeCode.normal, reason = ''): Promise<void> {
    try {
      checkCloseCode(code);
      reason = trimReason(reason);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.phase === 'pending') {
      return this.refuse(new Response(null, { status: 403 }), { by: this.#answerer, code });
    }
    if (this.phase === 'answering') {
      this.#closesAs ??= { code, reason };
      return this.pending('close', this.#ending.promise);
    }
    if (this.phase === 'open') this.startClose(code, reason);
    return this.#closing === undefined ? settled.done : this.pending('close', this.#closing.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.phase !== 'denied' && this.phase !== 'closed') await this.close();
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
    this.phase = 'denied';
    this.scheduler.deadlines.cancel(this);
    this.leaveGroups();
    if (denial.by === 'timeout') {
      this.#endCode = closeCode.abnormal;
      this.#abort?.abort(this.disconnect);
    }
    this.host.denied(this, denial);
    await this.upgrade.deny(response);
  }

  /** The client left, or was cut off, before it was answered. */
  leaveUnanswered(): void {
    if (this.phase !== 'pending' && this.phase !== 'answering') return;
    this.#finish(closeCode.abnormal, '', false);
    this.#inbox.drop();
    this.#closing?.resolve();
    this.host.ended(this);
    this.#tellAnswered?.();
  }

  terminate(): void {
    if (this.phase === 'pending') void this.refuse(new Response(null, { status: 503 }), { by: 'limit' });
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
      checkAccepted(this.phase, call);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.#inbox.receive(call, convert, options);
  }

  gone(code: number, reason: string, wasClean: boolean): void {
    if (this.phase === 'open') this.#finish(code, reason, wasClean);
    else this.phase = 'closed';
    this.scheduler.deadlines.cancel(this);
    this.#closing?.resolve();
    this.host.ended(this);
  }

  get #answerer(): RefusalReason {
    return this.hook === 'middleware' ? 'middleware' : 'handler';
  }

  #open(wire: Wire): void {
    this.wire = wire;
    this.phase = 'open';
    this.host.count('accepted');
    this.startPulse();
    this.enterGroups();
    this.#inbox.open(wire);
  }

  protected override startClose(code: number, reason: string): void {
    void this.#ending;
    this.#finish(code, reason, true);
    this.phase = 'closing';
    this.wire?.close(code, reason);
    this.startCloseTimeout();
    this.#inbox.drop();
  }

  /** Resolved when the closing handshake has ended. */
  get #ending(): { promise: Promise<void>; resolve: () => void } {
    if (this.#closing !== undefined) return this.#closing;
    let resolve = (): void => {};
    const promise = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#closing = { promise, resolve };
    return this.#closing;
  }

  /** The first end counts: its code is what everyone learns, and from here on the channel is in no group. */
  #finish(code: number, reason: string, wasClean: boolean): void {
    this.phase = 'closed';
    this.#endCode = code;
    this.#endReason = reason;
    this.#endWasClean = wasClean;
    this.leaveGroups();
    this.#abort?.abort(this.disconnect);
  }
}
