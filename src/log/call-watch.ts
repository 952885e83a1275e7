import { isA } from '../errors.ts';
import type { ProbedConnection } from '../probe.ts';
import type { Watch } from '../promise.ts';

/** Who is told of a call that failed, and that nobody awaited. */
export interface CallOwner {
  /** Whether what fails tells where it was called. */
  readonly remembersSites: boolean;
  /** Runs `task` when this turn ends. */
  atEnd(task: () => void): void;
  unseen(error: unknown, watch: CallWatch): void;
}

/** One call of the app, on a socket or on none, is watched as long as nobody has looked at what it comes to. */
export class CallWatch implements Watch {
  readonly #owner: CallOwner;
  readonly #site: { stack?: string } = {};
  readonly connection: ProbedConnection | undefined;
  readonly call: string;
  /** Which of the app's own functions ran when it was made. */
  readonly hook: string;

  constructor(owner: CallOwner, connection: ProbedConnection | undefined, call: string) {
    this.#owner = owner;
    this.connection = connection;
    this.call = call;
    this.hook = connection?.hook ?? call;
  }

  atEnd(task: () => void): void {
    this.#owner.atEnd(task);
  }

  /** V8 writes it out when it is first read. */
  rememberSite(): this {
    if (this.#owner.remembersSites) Error.captureStackTrace(this.#site, this.rememberSite);
    return this;
  }

  unseen(error: unknown): void {
    this.#showSite(error);
    this.#owner.unseen(error, this);
  }

  #showSite(error: unknown): void {
    const { stack } = this.#site;
    if (stack === undefined || !isA(error, Error)) return;
    try {
      error.stack += stack.replace(/^[^\n]*/, `\n    ${this.call}() was called`);
    } catch {
      // A frozen one stays as it is.
    }
  }
}
