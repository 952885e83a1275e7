import type { Awaitable } from './layer/layer.ts';

/** Whether an answer comes later. What is there at once is used at once: an `await` would cost its place in the order. */
export function isThenable<T>(value: Awaitable<T>): value is Promise<T>;
export function isThenable(value: unknown): value is Promise<unknown>;
export function isThenable(value: unknown): boolean {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function';
}
