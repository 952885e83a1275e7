import type { Awaitable, SendOutcome } from './layer/layer.ts';

/** The same promise; a rejection of it harms nobody who awaits it late, or never. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}

/**
 * Whether an answer comes later. What is there at once is used at once: an `await` would cost its place in the order.
 * Throws what a value throws that does not want to be looked at.
 */
export function isThenable<T>(value: Awaitable<T>): value is Promise<T>;
export function isThenable(value: unknown): value is Promise<unknown>;
export function isThenable(value: unknown): boolean {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function';
}

/** Waits for what somebody else's function returned, whatever it is, and tells of its failure. Never throws or rejects. */
export function follow(returned: unknown, onFailure: (error: unknown) => void): void {
  try {
    if (isThenable(returned)) Promise.resolve(returned).catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}

/** Promises that are resolved already: made once, for everybody whose call need not wait. */
export const settled: Readonly<
  Record<'done', Promise<void>> & Record<'sent' | 'queued' | 'closed', Promise<SendOutcome>>
> = {
  done: Promise.resolve(),
  sent: Promise.resolve('sent'),
  queued: Promise.resolve('queued'),
  closed: Promise.resolve('closed'),
};

/** Whoever meets one of them may go on at once. */
export function isSettled(promise: unknown): boolean {
  const { done, sent, queued, closed } = settled;
  return promise === sent || promise === done || promise === queued || promise === closed;
}

/** Who learns of a call of the app that failed, and that nobody awaited. */
export interface Watch {
  /** Runs `task` when this turn ends. */
  atEnd(task: () => void): void;
  /** Remembers where the call was made: its failure comes later, from a stack that does not show it. */
  rememberSite(): this;
  unseen(error: unknown): void;
}

/**
 * A watched promise knows whether anyone looked at it. One that rejects and has not been looked at by the end of that
 * turn is told to its watch, and ends no process; whoever awaits it later is told as well. What `then` derives is
 * watched too.
 */
export class WatchedPromise<T> extends Promise<T> {
  #isSeen = false;
  #watch: Watch | undefined = undefined;

  static of<T>(promise: Promise<T>, watch: Watch): Promise<T> {
    const watched = new WatchedPromise<T>((resolve) => resolve(promise));
    watched.begin(watch);
    return watched;
  }

  static rejecting<T>(error: unknown, watch: Watch): Promise<T> {
    const watched = new WatchedPromise<T>((_resolve, reject) => reject(error as Error));
    watched.begin(watch);
    return watched;
  }

  begin(watch: Watch): void {
    this.#watch = watch;
    void super.then(undefined, (error: unknown) => {
      if (this.#isSeen) return;
      watch.atEnd(() => {
        if (!this.#isSeen) watch.unseen(error);
      });
    });
  }

  // oxlint-disable-next-line no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isSeen = true;
    const derived = super.then(onFulfilled, onRejected);
    if (this.#watch !== undefined && derived instanceof WatchedPromise) derived.begin(this.#watch);
    return derived;
  }
}
