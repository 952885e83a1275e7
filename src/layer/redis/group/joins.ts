import { quiet } from '../../../promise.ts';
import type { NodeParts } from '../connection/calls.ts';
import type { Subscription } from './subscription.ts';

interface Join {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  isTimed: boolean;
}

/** Joins wait for their group to be subscribed. */
export class Joins {
  readonly #parts: () => NodeParts;
  readonly #joins = new Map<Subscription, Join>();

  constructor(parts: () => NodeParts) {
    this.#parts = parts;
  }

  add(subscription: Subscription): Promise<void> {
    let resolve = (): void => {};
    let reject: (error: Error) => void = () => {};
    const promise = quiet(
      new Promise<void>((onResolve, onReject) => {
        resolve = onResolve;
        reject = onReject;
      }),
    );
    this.#joins.set(subscription, { promise, resolve, reject, isTimed: false });
    return promise;
  }

  resolve(subscription: Subscription): void {
    this.#joins.get(subscription)?.resolve();
    this.#joins.delete(subscription);
  }

  refuse(subscriptions: readonly Subscription[], error: Error): void {
    for (const subscription of subscriptions) {
      this.#joins.get(subscription)?.reject(error);
      this.#joins.delete(subscription);
    }
  }

  /** It is not wanted any more: whoever waited need not. */
  end(subscription: Subscription): void {
    this.resolve(subscription);
  }

  /** A join's deadline counts from its first turn: many of one moment go in waves. */
  startDeadline(coming: readonly Subscription[]): void {
    const { calls, context, settings } = this.#parts();
    const joining = coming.filter((subscription) => this.#joins.get(subscription)?.isTimed === false);
    const joins = joining.flatMap((subscription) => this.#joins.get(subscription) ?? []);
    if (joins.length === 0) return;
    for (const join of joins) join.isTimed = true;
    const onLate = (): void => {
      const late = joining.filter((subscription, index) => this.#joins.get(subscription) === joins[index]);
      if (late.length > 0) this.refuse(late, calls.late('Redis did not subscribe'));
    };
    const timer = context.clock.setTimeout(onLate, settings.deadlineMs, 'redis join');
    void Promise.allSettled(joins.map(({ promise }) => promise)).then(() => context.clock.clearTimeout(timer));
  }
}
