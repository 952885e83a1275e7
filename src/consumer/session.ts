import { SocketChannel } from '../channel/channel.ts';
import { FrameError, WebSocketDisconnect } from '../errors.ts';
import type { Awaitable, PayloadType, WebSocket } from '../handler.ts';
import { closeCode, invalidCode } from '../socket/close-code.ts';
import { asBytes, asJson, asText } from '../socket/codec.ts';
import type { Sink } from '../socket/inbox.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';
import type { Message } from '../transport/transport.ts';
import type { StandardResult, StandardSchemaV1 } from './schema.ts';

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

/**
 * One connection of a consumer: `onConnect`, then each frame in turn, then `onDisconnect`, once for each accepted
 * socket whatever throws. Between frames nothing is suspended: an idle connection holds one promise, its end.
 */
export class Session implements Sink {
  readonly #hooks: Hooks;
  readonly #socket: ServerWebSocket;
  #resolve: () => void = ignore;
  #reject: (error: unknown) => void = ignore;
  #failure: { readonly error: unknown; readonly hook: string } | undefined = undefined;

  constructor(hooks: Hooks, socket: ServerWebSocket) {
    this.#hooks = hooks;
    this.#socket = socket;
  }

  /** Resolves when the last hook has ended; rejects with the first error that a hook threw. */
  run(): Promise<void> {
    const { encoding, expires } = this.#hooks;
    // A middleware that has claimed the channel already has said what it shall be.
    if (!this.#socket.hasChannel) new SocketChannel(this.#socket, { payloadType: encoding ?? 'json', expires });
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const connecting = this.#call('onConnect', () => this.#hooks.onConnect(this.#socket));
      if (connecting === undefined) this.#connected();
      else void connecting.then(() => this.#connected());
    });
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
    return this.#call('onReceive', () => this.#hooks.onReceive(this.#socket, data));
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
    try {
      const running = body();
      if (!isThenable(running)) return undefined;
      return running.then(ignore, (error: unknown) => this.#failed(error, hook));
    } catch (error) {
      this.#failed(error, hook);
      return undefined;
    }
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
    if (socket.wasAccepted || socket.isAnswering) void socket.close(closeCode.internalError);
    if (this.#failure === undefined) this.#failure = { error, hook };
    else socket.report(error, hook);
  }

  #finish(): void {
    if (this.#failure === undefined) return this.#resolve();
    this.#socket.hook = this.#failure.hook;
    this.#reject(this.#failure.error);
  }
}

function decode(message: Message, encoding: PayloadType | null): unknown {
  if (encoding === null) return message.data;
  if (encoding === 'json') return asJson(message);
  return encoding === 'text' ? asText(message) : asBytes(message);
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function';
}

function ignore(): void {}
