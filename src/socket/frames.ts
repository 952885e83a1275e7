import type { WebSocketDisconnect } from '../errors.ts';

/** What an iterator reads from. */
interface Source<T> {
  receive(): Promise<T>;
  readonly disconnect: WebSocketDisconnect | undefined;
}

/**
 * The frames of a socket as an async iterable: it ends where the socket ends, and throws what a bad frame throws.
 * Leaving the loop leaves the socket as it is.
 */
export class Frames<T> implements AsyncIterable<T>, AsyncIterator<T> {
  readonly #source: Source<T>;

  constructor(source: Source<T>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this;
  }

  async next(): Promise<IteratorResult<T>> {
    try {
      return { value: await this.#source.receive(), done: false };
    } catch (error) {
      if (error === this.#source.disconnect) return { value: undefined, done: true };
      throw error;
    }
  }

  return(): Promise<IteratorResult<T>> {
    return Promise.resolve({ value: undefined, done: true });
  }
}
