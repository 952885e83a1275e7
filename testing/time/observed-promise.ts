/** An observed promise knows whether anyone awaits it. */
export class ObservedPromise<T> extends Promise<T> {
  /** What `then` derives is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #onAwaited: (() => void) | undefined;
  #isAwaited = false;

  /** @param onAwaited called once, when the first `then` comes */
  constructor(
    executor: (resolve: (value: T | PromiseLike<T>) => void, reject: (reason: unknown) => void) => void,
    onAwaited?: () => void,
  ) {
    super(executor);
    this.#onAwaited = onAwaited;
  }

  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  // oxlint-disable-next-line no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (!this.#isAwaited) {
      this.#isAwaited = true;
      this.#onAwaited?.();
    }
    return super.then(onFulfilled, onRejected);
  }
}

/** What a call of a test was refused with, and whether anybody heard of it. */
export interface FailedCall {
  readonly error: unknown;
  readonly promise: ObservedPromise<unknown>;
}

/**
 * A promise and the means to settle it. Its rejection never counts as unhandled: a test that forgets a wait learns of
 * it at its end, by name, and not by the end of the process.
 */
export class Deferred<T> {
  readonly promise: ObservedPromise<T>;
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor(onAwaited?: () => void) {
    this.promise = new ObservedPromise<T>((resolve, reject) => {
      this.resolve = resolve;
      // Not assigned straight to the property: V8 allocates such a function with what lives long, and with it a whole test.
      const refuse = (reason: unknown): void => {
        // Past `then`, which would count as awaiting it.
        void Promise.prototype.then.call(this.promise, undefined, ignore);
        reject(reason);
      };
      this.reject = refuse;
    }, onAwaited);
  }
}

function ignore(): void {}
