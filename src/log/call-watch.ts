import { isA } from '../errors.ts';
import type { Probe, ProbedConnection } from '../probe.ts';
import type { Watch } from '../promise.ts';

/** Who is told of a call that failed, and that nobody awaited. */
export interface CallOwner {
  /** Asked once a call: whether it remembers where it was made. */
  remembersSite(): boolean;
  /** Runs `task` when this turn ends. */
  atEnd(task: () => void): void;
  unseen(error: unknown, watch: CallWatch): void;
}

const secondMs = 1_000;
const sitesMax = 16;

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
    if (this.#owner.remembersSite()) Error.captureStackTrace(this.#site, this.rememberSite);
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

/**
 * Where a call was made takes as long to find out as all else that the framework does of a publish: a busy app knows it
 * of the first calls of each second. A mistake that is made often is found by these.
 */
export class SiteBudget {
  #sinceMs = -secondMs;
  #taken = 0;

  /**
   * Who watches an app learns it of every call, a simulation of none until something has failed.
   * @param nowMs monotonic
   */
  take(probe: Probe | undefined, nowMs: number): boolean {
    if (probe !== undefined) return probe.skipsSites !== true;
    if (nowMs - this.#sinceMs >= secondMs) {
      this.#sinceMs = nowMs;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= sitesMax;
  }
}
