/**
 * The frames of a socket as an async iterable: it ends where the socket ends, and throws what a bad frame throws.
 * Leaving the loop leaves the socket as it is.
 */
export class Frames<T> implements AsyncIterable<T>, AsyncIterator<T> {
  readonly #receive: () => Promise<T>;
  readonly #isEnd: (error: unknown) => boolean;

  /** @param isEnd whether that rejection is the end of the socket, and not of a frame. */
  constructor(receive: () => Promise<T>, isEnd: (error: unknown) => boolean) {
    this.#receive = receive;
    this.#isEnd = isEnd;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this;
  }

  /** Derived from what `receive` returned, so that one that nobody awaits is watched as that is. */
  next(): Promise<IteratorResult<T>> {
    return this.#receive().then(
      (value): IteratorResult<T> => ({ value, done: false }),
      (error: unknown): IteratorResult<T> => {
        if (this.#isEnd(error)) return { value: undefined, done: true };
        throw error;
      },
    );
  }

  return(): Promise<IteratorResult<T>> {
    return Promise.resolve({ value: undefined, done: true });
  }
}
