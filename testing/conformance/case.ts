import assert from 'node:assert/strict';

/**
 * A case is one promise of a contract, as a test: `for (const { name, run } of cases) test(name, run)` on any runner.
 */
export interface ConformanceCase {
  readonly name: string;
  /** Rejects with what is wrong. */
  run(): Promise<void>;
}

/** Waits in turns of the event loop, without a timer, until it is so; five seconds in vain are a failure. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const startMs = performance.now();
  while (!isSo()) {
    assert.ok(performance.now() - startMs < 5_000, `it never came to be that ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
