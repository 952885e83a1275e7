import type { Awaitable, SendOutcome } from './layer/layer.ts';

/** The same promise; a rejection of it harms nobody who awaits it late, or never. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}

/** Whether an answer comes later. What is there at once is used at once: an `await` would cost its place in the order. */
export function isThenable<T>(value: Awaitable<T>): value is Promise<T>;
export function isThenable(value: unknown): value is Promise<unknown>;
export function isThenable(value: unknown): boolean {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function';
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
