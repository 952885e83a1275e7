import { HandshakeError, type WebSocketDisconnect } from '../errors.ts';
import type { ReceiveOptions, SendOutcome } from '../api.ts';
import { Frame } from '../protocol/frame.ts';
import type { Message } from '../protocol/message.ts';
import { asBytes, asJson, asText, encodeJson } from '../protocol/codec.ts';
import { Frames } from './frames.ts';
import { TimedSocket } from './timed.ts';

const same = (message: Message): Message => message;

/** What a handler hears and says: each spelling of `receive` and `send`, on one way in and one way out. */
export abstract class TalkingSocket extends TimedSocket {
  /** What `receive*` rejects with once it is over. */
  abstract readonly disconnect: WebSocketDisconnect;
  abstract sendFrame(frame: Frame): Promise<SendOutcome>;
  protected abstract receiveAs<T>(call: string, convert: (message: Message) => T, options?: ReceiveOptions): Promise<T>;

  receive(options?: ReceiveOptions): Promise<Message> {
    return this.receiveAs('receive', same, options);
  }

  receiveText(options?: ReceiveOptions): Promise<string> {
    return this.receiveAs('receiveText', asText, options);
  }

  receiveBytes(options?: ReceiveOptions): Promise<Uint8Array> {
    return this.receiveAs('receiveBytes', asBytes, options);
  }

  receiveJson<T = unknown>(options?: ReceiveOptions): Promise<T> {
    return this.receiveAs('receiveJson', asJson as (message: Message) => T, options);
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
    return this.sendFrame(Frame.text(text));
  }

  sendBytes(bytes: Uint8Array): Promise<SendOutcome> {
    if (!(bytes instanceof Uint8Array)) return Promise.reject(wrongData('sendBytes', 'a Uint8Array', bytes));
    return this.sendFrame(Frame.bytes(bytes));
  }

  sendJson(value: unknown, mode: 'text' | 'binary' = 'text'): Promise<SendOutcome> {
    try {
      const text = encodeJson(value);
      return this.sendFrame(mode === 'text' ? Frame.text(text) : Frame.bytes(Buffer.from(text)));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #frames<T>(call: string, convert: (message: Message) => T): Frames<T> {
    return new Frames(
      () => this.receiveAs(call, convert),
      (error) => this.isOver && error === this.disconnect,
    );
  }

  /** Nothing comes any more. */
  protected abstract readonly isOver: boolean;

  /** Tells a probe that what follows is a promise of ours. */
  protected pending<T>(call: string, promise: Promise<T>): Promise<T> {
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
