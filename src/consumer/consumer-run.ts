import { SocketChannel } from '../channel/channel.ts';
import { FrameError, WebSocketDisconnect } from '../errors.ts';
import type { Awaitable, PayloadType, WebSocket } from '../api.ts';
import { failureCode, invalidCode } from '../protocol/close-code.ts';
import { asBytes, asJson, asText } from '../protocol/codec.ts';
import type { Sink } from '../socket/inbox.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';
import type { Message } from '../protocol/message.ts';
import type { StandardResult, StandardSchemaV1 } from './schema.ts';
import { isSettled } from '../promise.ts';
import { isThenable } from '../promise.ts';

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

/** Who is told when a session has ended; never throws. */
export type WhenEnded = (socket: ServerWebSocket, failure: Failure | undefined) => void;

/**
 * One connection of a consumer: `onConnect`, then each frame in turn, then `onDisconnect`, once for each accepted
 * socket whatever throws. Between frames nothing is suspended, and who asks by `tell` spares an idle connection the
 * promise of its end as well.
 */
export class ConsumerRun implements Sink, PromiseLike<void> {
  readonly #hooks: Hooks;
  readonly #socket: ServerWebSocket;
  #whenEnded: WhenEnded | undefined = undefined;
  #hasEnded = false;
  #failure: Failure | undefined = undefined;

  constructor(hooks: Hooks, socket: ServerWebSocket) {
    this.#hooks = hooks;
    this.#socket = socket;
  }

  /** Begins; whoever waits for the end does so by `then` or `tell`. */
  run(): this {
    const { encoding, expires } = this.#hooks;
    // A middleware that has claimed the channel already has said what it shall be.
    if (!this.#socket.hasChannel) new SocketChannel(this.#socket, { payloadType: encoding ?? 'json', expires });
    this.#socket.hook = 'onConnect';
    let connecting: unknown;
    this.#tell('onConnect', 'begin');
    try {
      connecting = this.#hooks.onConnect(this.#socket);
    } catch (error) {
      this.#threw(error, 'onConnect');
      this.#connected();
      return this;
    }
    if (!isThenable(connecting) || isSettled(connecting)) {
      this.#tell('onConnect', 'end');
      this.#connected();
    } else {
      connecting.then(
        () => {
          this.#tell('onConnect', 'end');
          this.#connected();
        },
        (error: unknown) => {
          this.#threw(error, 'onConnect');
          this.#connected();
        },
      );
    }
    return this;
  }

  /** As a promise: resolves when the last hook has ended; rejects with the first error that a hook threw. */
  // oxlint-disable-next-line no-thenable -- it is awaited as a handler's promise is
  then<A = void, B = never>(
    onFulfilled?: ((value: void) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const ended = new Promise<void>((resolve, reject) => {
      this.tell((_socket, failure) => (failure === undefined ? resolve() : reject(failure.error as Error)));
    });
    return ended.then(onFulfilled, onRejected);
  }

  /** Calls back once, when the last hook has ended; at once where it has already. */
  tell(whenEnded: WhenEnded): void {
    const others = this.#whenEnded;
    if (this.#hasEnded) whenEnded(this.#socket, this.#failure);
    else if (others === undefined) this.#whenEnded = whenEnded;
    else {
      this.#whenEnded = (socket, failure) => {
        others(socket, failure);
        whenEnded(socket, failure);
      };
    }
  }

  frame(message: Message): Promise<void> | undefined {
    let data: unknown;
    try {
      data = decode(message, this.#hooks.encoding);
    } catch (error) {
      return this.#invalid(error as FrameError);
    }
    const { schema } = this.#hooks;
    if (schema === undefined) return this.#receive(data);
    return this.#validate(schema, data);
  }

  ended(): void {
    const { endCode, endReason } = this.#socket;
    const leaving = this.#call('onDisconnect', () => this.#hooks.onDisconnect(this.#socket, endCode, endReason));
    if (leaving === undefined) this.#finish();
    else void leaving.then(() => this.#finish());
  }

  #connected(): void {
    if (this.#socket.isAnswering) this.#socket.onceAnswered(() => this.#connected());
    else if (this.#socket.wasAccepted) this.#socket.serve(this);
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
      const issues = result.issues.map((issue) => issue.message).join('; ');
      return this.#invalid(new FrameError('refused-by-schema', `the schema refuses the frame: ${issues}`));
    };
    try {
      const result = schema['~standard'].validate(data);
      if (!isThenable(result)) return accept(result);
      return result.then(accept).then(ignore, (error: unknown) => this.#failed(error, 'onReceive'));
    } catch (error) {
      this.#failed(error, 'onReceive');
      return undefined;
    }
  }

  #invalid(error: FrameError): Promise<void> | undefined {
    this.#socket.note('invalid frame', error);
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
    if (!isThenable(running) || isSettled(running)) {
      this.#tell(hook, 'end');
      return undefined;
    }
    return running.then(
      () => this.#tell(hook, 'end'),
      (error: unknown) => this.#threw(error, hook),
    );
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
    if (socket.wasAccepted) {
      if (error instanceof WebSocketDisconnect) return;
      if (error instanceof FrameError) {
        socket.note('invalid frame', error);
        void socket.close(invalidCode(error));
        return;
      }
    }
    if (socket.wasAccepted || socket.isAnswering) void socket.close(failureCode(error));
    if (this.#failure === undefined) this.#failure = { error, hook };
    else socket.report(error, hook);
  }

  #finish(): void {
    this.#hasEnded = true;
    if (this.#failure !== undefined) this.#socket.hook = this.#failure.hook;
    const whenEnded = this.#whenEnded;
    this.#whenEnded = undefined;
    whenEnded?.(this.#socket, this.#failure);
  }
}

function decode(message: Message, encoding: PayloadType | null): unknown {
  if (encoding === null) return message.data;
  if (encoding === 'json') return asJson(message);
  return encoding === 'text' ? asText(message) : asBytes(message);
}

function ignore(): void {}
