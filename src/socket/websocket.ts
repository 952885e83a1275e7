import type { IncomingMessage } from 'node:http';
import { HandshakeError, isA, WebSocketDisconnect } from '../errors.ts';
import type {
  AppView,
  ChannelBox,
  HistoryPage,
  JoinResult,
  LeaveResult,
  Params,
  ReceiveOptions,
  ResumeOptions,
  Scope,
  SendOutcome,
  State,
  WebSocket,
} from '../api.ts';
import { whileWaiting } from '../probe.ts';
import { quiet, settled, WatchedPromise } from '../promise.ts';
import { asBytes, asJson, asText, encodeJson } from '../protocol/codec.ts';
import { checkCloseCode, closeCode, trimReason } from '../protocol/close-code.ts';
import { bytesOf, isBlob, type BytesLike } from '../protocol/bytes.ts';
import { Frame } from '../protocol/frame.ts';
import type { Message } from '../protocol/message.ts';
import type { UpgradeAnswer, Wire } from '../transport/transport.ts';
import { acceptAnswer, denyResponse, type AcceptOptions } from '../handshake/accept.ts';
import { CloseTime, checkCloseTime } from './close-time.ts';
import { Connection } from './connection.ts';
import { vanished } from './ending.ts';
import { Frames } from './frames.ts';
import { RequestView } from '../handshake/request.ts';
import { checkAnswerable, unaccepted } from './state.ts';

const same = (message: Message): Message => message;

/** A handler has one connection by this, from its upgrade request to the end of its closing handshake. */
export class ServerWebSocket extends Connection implements WebSocket {
  #bag: State | undefined = undefined;
  #request: RequestView | undefined = undefined;

  // ── What it was asked with: made when first read ──────────────────────────────────────────────────────────────────

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
    return this.host.clientOf(this.upgrade);
  }

  get request(): IncomingMessage | undefined {
    return this.wasAccepted ? undefined : this.upgrade.request;
  }

  get subprotocols(): readonly string[] {
    return this.#asked.subprotocols;
  }

  get scope(): Scope {
    return this.#asked.scope;
  }

  get app(): AppView {
    return this.host.view;
  }

  get channelBox(): ChannelBox {
    return this.host.box;
  }

  get state(): State {
    this.#bag ??= {};
    return this.#bag;
  }

  set state(state: State) {
    this.#bag = state;
  }

  get signal(): AbortSignal {
    return this.end.signal;
  }

  get #asked(): RequestView {
    this.#request ??= new RequestView(this.upgrade, this.params, () => this.state);
    return this.#request;
  }

  // ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Where the client has left, its rejection harms no hook that does not await it, and no process. */
  accept(options: AcceptOptions = {}): Promise<void> {
    if (this.phase === 'closed') return quiet(Promise.reject(this.disconnect));
    const { upgrade } = this;
    try {
      checkAnswerable(this.phase, 'accept');
      const answer: UpgradeAnswer = {
        maxPayloadBytes: this.limits.maxPayloadBytes,
        maxFragments: this.limits.maxFragments,
        ...acceptAnswer(upgrade, options),
      };
      this.answering();
      return upgrade.acceptNow === undefined
        ? this.#whenAccepted(upgrade.accept(answer))
        : this.#acceptedNow(upgrade.acceptNow(answer));
    } catch (error) {
      if (this.phase === 'answering') this.leaveUnanswered();
      return this.#rejected(error, 'accept');
    }
  }

  deny(response: Response | number): Promise<void> {
    if (this.phase === 'closed') return quiet(Promise.reject(this.disconnect));
    try {
      const answer = denyResponse(response);
      checkAnswerable(this.phase, 'deny');
      return WatchedPromise.of(this.refuse(answer, { by: this.refuser }), this.watch('deny'));
    } catch (error) {
      return this.#rejected(error, 'deny');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.phase !== 'denied' && this.phase !== 'closed') await this.close();
  }

  #acceptedNow(wire: Wire | undefined): Promise<void> {
    if (wire === undefined) {
      this.leaveUnanswered();
      return quiet(Promise.reject(this.disconnect));
    }
    this.accepted(wire);
    return settled.done;
  }

  #whenAccepted(opening: Promise<Wire>): Promise<void> {
    // No async function: it would keep three times as much for as long, at every handshake.
    const accepting: Promise<void> = WatchedPromise.of(
      whileWaiting(this.probe, 'accept', opening),
      this.watch('accept'),
    ).then(
      (wire) => {
        if (this.phase === 'answering') return this.accepted(wire);
        wire.terminate();
        void quiet(accepting);
        throw this.disconnect;
      },
      (error: unknown) => {
        if (this.phase === 'answering') this.leaveUnanswered();
        if (!isA(error, WebSocketDisconnect)) throw error;
        void quiet(accepting);
        throw this.disconnect;
      },
    );
    return accepting;
  }

  // ── Each spelling of `receive` and `send`, on one way in and one way out ──────────────────────────────────────────

  receive(options?: ReceiveOptions): Promise<Message> {
    return this.#receiveAs('receive', same, options);
  }

  receiveText(options?: ReceiveOptions): Promise<string> {
    return this.#receiveAs('receiveText', asText, options);
  }

  receiveBytes(options?: ReceiveOptions): Promise<Uint8Array> {
    return this.#receiveAs('receiveBytes', asBytes, options);
  }

  receiveJson<T = unknown>(options?: ReceiveOptions): Promise<T> {
    return this.#receiveAs('receiveJson', asJson as (message: Message) => T, options);
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

  send(data: string | BytesLike): Promise<SendOutcome> {
    return typeof data === 'string' ? this.sendText(data) : this.sendBytes(data);
  }

  sendText(text: string): Promise<SendOutcome> {
    if (typeof text !== 'string') return this.#rejected(wrongData('sendText', 'a string', text), 'sendText');
    return this.sendFrame(Frame.forOne(text));
  }

  sendBytes(bytes: BytesLike): Promise<SendOutcome> {
    const view = bytesOf(bytes);
    if (view === undefined)
      return this.#rejected(wrongData('sendBytes', 'a buffer or a view of one', bytes), 'sendBytes');
    return this.sendFrame(Frame.forOne(view));
  }

  sendJson(value: unknown, mode: 'text' | 'binary' = 'text'): Promise<SendOutcome> {
    try {
      const text = encodeJson(value);
      return this.sendFrame(Frame.forOne(mode === 'text' ? text : Buffer.from(text)));
    } catch (error) {
      return this.#rejected(error, 'sendJson');
    }
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

  closeAt(unixSeconds: number | null, code: number = closeCode.signedOut, reason: string = ''): void {
    if (unixSeconds !== null) checkCloseTime(unixSeconds);
    checkCloseCode(code);
    reason = trimReason(reason);
    this.closeTime?.cancel();
    this.closeTime = undefined;
    if (unixSeconds === null || !this.isJoinable) return;
    this.closeTime = new CloseTime(this.scheduler, unixSeconds, () => {
      if (this.phase === 'pending') void quiet(this.refuse(denyResponse(401), { by: this.refuser, code }, vanished));
      else void this.close(code, reason);
    });
    this.closeTime.start();
  }

  #receiveAs<T>(call: string, convert: (message: Message) => T, options?: ReceiveOptions): Promise<T> {
    const fault = unaccepted(this.phase, call);
    return fault === undefined ? this.inbox.receive(call, convert, options) : this.#rejected(fault, call);
  }

  #rejected<T>(error: unknown, call: string): Promise<T> {
    return WatchedPromise.rejecting(error, this.watch(call));
  }

  #frames<T>(call: string, convert: (message: Message) => T): Frames<T> {
    return new Frames(
      () => this.#receiveAs(call, convert),
      (error) => this.inbox.hasEnded && error === this.disconnect,
    );
  }
}

function wrongData(call: string, due: string, came: unknown): HandshakeError {
  return new HandshakeError(
    'CHANNELBOX_SEND_DATA',
    isBlob(came)
      ? `${call}() takes ${due}, a Blob came; read it first, new Uint8Array(await blob.arrayBuffer()), and send that`
      : `${call}() takes ${due}, ${typeof came} came; use sendJson for data`,
  );
}
