import { AsyncLocalStorage } from 'node:async_hooks';
import { SocketChannel } from '../channel/channel.ts';
import { FrameError, isA, isFromOutside, WebSocketDisconnect } from '../errors.ts';
import type { Awaitable, PayloadType, WebSocket, WhenEnded } from '../api.ts';
import { closeCode, failureCode, invalidCode } from '../protocol/close-code.ts';
import { asBytes, asJson, asText } from '../protocol/codec.ts';
import { isResponse } from '../handshake/accept.ts';
import type { Sink } from '../socket/inbox-owner.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';
import type { Message } from '../protocol/message.ts';
import { frameIssues, issuesText, type StandardResult, type StandardSchemaV1 } from './schema.ts';
import { isSettled, isThenable } from '../promise.ts';

/** A consumer as its session drives it. */
export interface Hooks {
  readonly encoding: PayloadType | null;
  readonly schema: StandardSchemaV1<unknown, unknown> | undefined;
  readonly expires: number | null;
  onConnect(ws: WebSocket): Awaitable<unknown>;
  onReceive(ws: WebSocket, data: unknown): Awaitable<unknown>;
  onInvalid(ws: WebSocket, error: FrameError): Awaitable<unknown>;
  onDisconnect(ws: WebSocket, code: number, reason: string): Awaitable<unknown>;
}

interface Failure {
  readonly error: unknown;
  readonly hook: string;
}

/**
 * A consumer's run is one connection of it: `onConnect`, then each frame in turn, then `onDisconnect`, once for each
 * accepted socket whatever throws. Between frames nothing is suspended, and no promise is made for its end.
 */
export class ConsumerRun implements Sink {
  readonly #hooks: Hooks;
  readonly #socket: ServerWebSocket;
  readonly #whenEnded: WhenEnded;
  #failure: Failure | undefined = undefined;

  /** @param whenEnded told once, when the last hook has ended, with the first error that a hook threw; never throws */
  constructor(hooks: Hooks, socket: ServerWebSocket, whenEnded: WhenEnded) {
    this.#hooks = hooks;
    this.#socket = socket;
    this.#whenEnded = whenEnded;
  }

  begin(): void {
    const { encoding, expires } = this.#hooks;
    // A middleware that has claimed the channel already has said what it shall be.
    if (!this.#socket.hasChannel) new SocketChannel(this.#socket, { payloadType: encoding ?? 'json', expires });
    const connecting = this.#call('onConnect', () => this.#hooks.onConnect(this.#socket));
    if (connecting === undefined) this.#connected();
    else void connecting.then(() => this.#connected());
  }

  frame(message: Message): Promise<void> | undefined {
    let data: unknown;
    let schema: Hooks['schema'];
    try {
      data = decode(message, this.#hooks.encoding);
      ({ schema } = this.#hooks);
    } catch (error) {
      // Reading encoding or schema may run the app's own code.
      if (isA(error, FrameError)) return this.#invalid(error);
      this.#failed(error, 'onReceive');
      return undefined;
    }
    if (schema === undefined) return this.#receive(data);
    return this.#validate(schema, data);
  }

  ended(): void {
    const { code, reason } = this.#socket.end;
    const leaving = this.#call('onDisconnect', () => this.#hooks.onDisconnect(this.#socket, code, reason));
    if (leaving === undefined) this.#finish();
    else void leaving.then(() => this.#finish());
  }

  #connected(): void {
    if (this.#socket.phase === 'answering') this.#socket.onceAnswered(() => this.#connected());
    else if (this.#socket.wasAccepted) this.#socket.inbox.serve(this);
    else this.#finish();
  }

  #receive(data: unknown): Promise<void> | undefined {
    const socket = this.#socket;
    socket.hook = 'onReceive';
    this.#tell('onReceive', 'begin');
    try {
      return this.#follow(this.#hooks.onReceive(socket, data), 'onReceive');
    } catch (error) {
      this.#threw(error, 'onReceive');
      return undefined;
    }
  }

  #validate(schema: StandardSchemaV1<unknown, unknown>, data: unknown): Promise<void> | undefined {
    const accept = (result: StandardResult<unknown>): Promise<void> | undefined => {
      if (result.issues === undefined) return this.#receive(result.value);
      const issues = frameIssues(result.issues);
      const message = `the schema refuses the frame: ${issuesText(issues)}`;
      return this.#invalid(new FrameError('refused-by-schema', message, { issues }));
    };
    try {
      const result = schema['~standard'].validate(data);
      if (!isThenable(result)) return accept(result);
      return Promise.resolve(result)
        .then(accept)
        .then(ignore, (error: unknown) => this.#failed(error, 'onReceive'));
    } catch (error) {
      this.#failed(error, 'onReceive');
      return undefined;
    }
  }

  #invalid(error: FrameError): Promise<void> | undefined {
    this.#socket.host.counters.invalidFrames += 1;
    this.#socket.host.note(this.#socket, 'invalid frame', error);
    return this.#call('onInvalid', () => this.#hooks.onInvalid(this.#socket, error));
  }

  /** @returns a promise that never rejects, or undefined where the hook has ended already */
  #call(hook: string, body: () => Awaitable<unknown>): Promise<void> | undefined {
    this.#socket.hook = hook;
    this.#tell(hook, 'begin');
    try {
      return this.#follow(body(), hook);
    } catch (error) {
      this.#threw(error, hook);
      return undefined;
    }
  }

  #follow(running: unknown, hook: string): Promise<void> | undefined {
    // A promise of ours comes to nothing, and asking whether it is an answer makes Node load all of fetch.
    const isOver = isSettled(running);
    if (isOver || !isThenable(running)) {
      this.#ended(hook, isOver ? undefined : running);
      return undefined;
    }
    // Whatever kind of promise it is, or pretends to be.
    return Promise.resolve(running).then(
      (value: unknown) => this.#ended(hook, value),
      (error: unknown) => this.#threw(error, hook),
    );
  }

  #ended(hook: string, value: unknown): void {
    this.#tell(hook, 'end');
    // After the accept it is nothing, and so in every other hook.
    if (hook === 'onConnect' && isResponse(value)) this.#failed(value, hook);
  }

  #threw(error: unknown, hook: string): void {
    this.#tell(hook, 'threw');
    this.#failed(error, hook);
  }

  #tell(hook: string, step: 'begin' | 'end' | 'threw'): void {
    this.#socket.probe?.hook?.(this.#socket, hook, step);
  }

  #failed(error: unknown, hook: string): void {
    const socket = this.#socket;
    if (isResponse(error) && socket.phase !== 'pending') return;
    if (socket.wasAccepted) {
      if (isA(error, WebSocketDisconnect)) return;
      if (isFromOutside(error)) {
        socket.host.refusedInput(socket, error, hook);
        void socket.close(closeCode.policyViolation);
        return;
      }
      if (isA(error, FrameError)) {
        socket.host.note(socket, 'invalid frame', error);
        void socket.close(invalidCode(error));
        return;
      }
    }
    if (socket.wasAccepted || socket.phase === 'answering') void socket.close(failureCode(error));
    if (this.#failure === undefined) this.#failure = { error, hook };
    else socket.host.report(socket, error, hook);
  }

  #finish(): void {
    if (this.#failure !== undefined) this.#socket.hook = this.#failure.hook;
    this.#whenEnded(this.#socket, this.#failure);
  }
}

/**
 * One that middleware stands around: each hook runs in the context in which that called `next()`, whoever sent the frame or
 * closed the socket, so that an `AsyncLocalStorage` of theirs is seen. Without middleware nothing is kept, and nothing costs.
 */
export class RunInContext extends ConsumerRun {
  readonly #within = AsyncLocalStorage.snapshot();

  override frame(message: Message): Promise<void> | undefined {
    return this.#within(() => super.frame(message));
  }

  override ended(): void {
    this.#within(() => super.ended());
  }
}

function decode(message: Message, encoding: PayloadType | null): unknown {
  if (encoding === null) return message.data;
  if (encoding === 'json') return asJson(message);
  return encoding === 'text' ? asText(message) : asBytes(message);
}

function ignore(): void {}
