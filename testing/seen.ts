/**
 * A promise that knows whether anyone awaits it. Its rejection never counts as unhandled: a test that forgets a wait
 * learns of it at its end, by name, and not by the end of the process.
 */
export class Seen<T> extends Promise<T> {
  /** What `then` derives is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  isAwaited = false;

  constructor(executor: (resolve: (value: T | PromiseLike<T>) => void, reject: (reason: unknown) => void) => void) {
    super(executor);
    void Promise.prototype.then.call(this, undefined, () => {});
  }

  // oxlint-disable-next-line no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isAwaited = true;
    return super.then(onFulfilled, onRejected);
  }
}

export function isSeen(promise: Seen<unknown>): boolean {
  return promise.isAwaited;
}
