import type { Logger } from '../api.ts';
import type { Tally } from '../protocol/counters.ts';
import { follow } from '../promise.ts';

/**
 * The framework writes to an app's logger through this. A logger that fails, at once or later, harms nobody and is
 * counted.
 */
export class AppLog {
  readonly #logger: () => Logger;
  readonly #counters: Tally;

  constructor(logger: () => Logger, counters: Tally) {
    this.#logger = logger;
    this.#counters = counters;
  }

  write(level: keyof Logger, message: string, fields: object): void {
    const onFailure = (): void => {
      this.#counters.logFailures += 1;
    };
    try {
      const writing: unknown = this.#logger()[level](message, fields);
      follow(writing, onFailure);
    } catch {
      onFailure();
    }
  }
}
