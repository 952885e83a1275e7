/** Whether what was due at `dueMs` has expired at `nowMs`, both monotonic. At the very moment it has. */
export function hasExpired(dueMs: number, nowMs: number): boolean {
  return nowMs >= dueMs;
}
