import type { Busy, Wait } from './driver.ts';
import { diffOf, TestFailure } from './failure.ts';
import { show, valueOf } from './matchers.ts';
import { Seen } from './seen.ts';
import type { Session } from './session.ts';
import { cannotTell, type Closed, type Waiting } from './wait.ts';

abstract class Settled<T> {
  readonly promise: Seen<T>;
  protected resolve!: (value: T) => void;
  protected reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Seen<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  refuse(error: unknown): void {
    this.reject(error);
  }
}

/** `expectClosed`: not hindered by unread frames, and may be repeated. */
export class CloseWait extends Settled<Closed> implements Wait {
  readonly session: Session;
  readonly deadlineMs: number;
  /** Where the app's error has closed it with 1011, that is the result. */
  readonly takesErrors = false;
  readonly #client: Waiting;
  readonly #expected: Partial<Closed>;
  readonly #origin: { stack?: string };
  readonly #withinMs: number;

  constructor(client: Waiting, options: { expected: Partial<Closed>; withinMs: number; origin: { stack?: string } }) {
    super();
    this.session = client.session;
    this.deadlineMs = client.nowMs() + options.withinMs;
    this.#client = client;
    this.#expected = options.expected;
    this.#withinMs = options.withinMs;
    this.#origin = options.origin;
  }

  poll(): boolean {
    const { closed } = this.#client;
    if (closed === undefined) return false;
    if (closed.code === 1011) this.session.seeErrorsOf(this.#client.upgrade);
    const wanted = Object.entries(this.#expected).filter(([, value]) => value !== undefined);
    const isWanted = wanted.every(([key, value]) => closed[key as keyof Closed] === value);
    if (isWanted) this.resolve(closed);
    else this.#fail(`it closed otherwise\n${diffOf(this.#expected, closed)}`, closed);
    return true;
  }

  expire(_parked: readonly Busy[]): boolean {
    const when = this.#withinMs > 0 ? `within ${this.#withinMs} ms` : 'and no close is on its way';
    this.#fail(`the connection is open ${when}`);
    return true;
  }

  #fail(what: string, actual?: unknown): void {
    const { name } = this.#client;
    const call = 'expectClosed';
    const message = `${name}.${call}: ${what}\n\n${this.#client.describe()}`;
    const error = new TestFailure(message, { call, origin: this.#origin, actual, expected: actual && this.#expected });
    this.#client.failed({ error, promise: this.promise });
    this.reject(error);
  }
}

/** `expectNothing`: silent, got something, or cannot tell. */
export class NothingWait extends Settled<void> implements Wait {
  readonly session: Session;
  readonly deadlineMs: number;
  readonly takesErrors = true;
  readonly #client: Waiting;
  readonly #origin: { stack?: string };

  constructor(client: Waiting, origin: { stack?: string }) {
    super();
    this.session = client.session;
    this.deadlineMs = client.nowMs();
    this.#client = client;
    this.#origin = origin;
  }

  poll(): boolean {
    const [frame] = this.#client.unread;
    // Calls that came before this one have the first claim to what is there.
    if (frame === undefined || this.#client.queue.length > 0) return false;
    const { name } = this.#client;
    const call = 'expectNothing';
    const message = `${name}.${call}: got ${show(valueOf(frame))}\n\n${this.#client.describe()}`;
    this.#fail(new TestFailure(message, { call, origin: this.#origin }));
    return true;
  }

  expire(parked: readonly Busy[]): boolean {
    if (this.#client.queue.length > 0) return false;
    if (parked.length === 0 || this.#client.closed !== undefined) this.pass();
    else this.#fail(cannotTell(`${this.#client.name}.expectNothing`, parked, this.#origin));
    return true;
  }

  pass(): void {
    this.resolve();
  }

  override refuse(error: unknown): void {
    this.#fail(error as Error);
  }

  #fail(error: Error): void {
    if (error instanceof TestFailure) this.#client.failed({ error, promise: this.promise });
    this.reject(error);
  }
}

/** `close()`: until both sides have said so; a server that does not answer is left after two seconds of its time. */
export class EndWait extends Settled<void> implements Wait {
  readonly session: Session;
  readonly deadlineMs: number;
  readonly takesErrors = false;
  readonly #client: Waiting;
  readonly #giveUp: () => void;

  constructor(client: Waiting, giveUp: () => void) {
    super();
    this.session = client.session;
    this.deadlineMs = client.nowMs() + answerPatienceMs;
    this.#client = client;
    this.#giveUp = giveUp;
  }

  poll(): boolean {
    if (this.#client.closed === undefined) return false;
    this.resolve();
    return true;
  }

  expire(): boolean {
    this.#giveUp();
    this.resolve();
    return true;
  }
}

const answerPatienceMs = 2_000;
