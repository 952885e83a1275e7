import type { SendOutcome } from './layer/layer.ts';

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
