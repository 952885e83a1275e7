import { bytesOf, type Message } from '../protocol/message.ts';

/** A backlog holds the messages of one socket that have come and are not read yet. An idle socket has none. */
export class Backlog {
  readonly #messages: Message[] = [];
  #read = 0;
  #bytes = 0;

  /** How many messages wait. */
  get length(): number {
    return this.#messages.length - this.#read;
  }

  /** How many bytes they are. */
  get bytes(): number {
    return this.#bytes;
  }

  push(message: Message): void {
    this.#messages.push(message);
    this.#bytes += bytesOf(message);
  }

  /** Takes the one that has waited longest; there is one. */
  shift(): Message {
    const message = this.#messages[this.#read] as Message;
    this.#read += 1;
    this.#bytes -= bytesOf(message);
    return message;
  }
}
