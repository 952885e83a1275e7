import type { Closed } from './client.ts';
import type { Busy } from '../time/watched-app.ts';
import { diffOf, TestFailure, type FailureOptions } from './failure.ts';
import { show, valueOf } from './matchers.ts';
import { besides, cannotTell, ClientWait, type Waiting } from './wait.ts';

/** `expectClosed`: not hindered by unread frames, and may be repeated. */
export class CloseWait extends ClientWait<Closed> {
  readonly deadlineMs: number;
  /** Where the app's error has closed it with 1011, that is the result. */
  readonly takesErrors = false;
  readonly #expected: Partial<Closed>;
  readonly #origin: { stack?: string };
  readonly #withinMs: number;

  constructor(client: Waiting, options: { expected: Partial<Closed>; withinMs: number; origin: { stack?: string } }) {
    super(client);
    this.deadlineMs = client.nowMs() + options.withinMs;
    this.#expected = options.expected;
    this.#withinMs = options.withinMs;
    this.#origin = options.origin;
  }

  get subject(): unknown {
    return this.client.upgrade;
  }

  poll(): boolean {
    const { closed } = this.client;
    if (closed === undefined) return false;
    const error = closed.code === 1011 ? this.activity.seeErrorsOf(this.client.upgrade) : undefined;
    const wanted = Object.entries(this.#expected).filter(([, value]) => value !== undefined);
    if (wanted.every(([key, value]) => closed[key as keyof Closed] === value)) this.resolve(closed);
    else {
      // Only of what was asked for; the rest stands in the transcript.
      const actual = Object.fromEntries(wanted.map(([key]) => [key, closed[key as keyof Closed]]));
      const expected = Object.fromEntries(wanted);
      this.#fail(`it closed otherwise\n${diffOf(expected, actual)}`, { actual, expected, cause: error });
    }
    return true;
  }

  expire(parked: readonly Busy[]): void {
    const when = this.#withinMs > 0 ? `after ${this.#withinMs} ms` : 'and no close is on its way';
    this.#fail(
      `the connection is open ${when}${this.client.isPaused ? '; it is paused, so it reads no close' : ''}${besides(parked)}`,
    );
  }

  #fail(what: string, values: Pick<FailureOptions, 'actual' | 'expected' | 'cause'> = {}): void {
    const call = 'expectClosed';
    const { cause } = values;
    const why = cause instanceof Error ? `\nThe app failed: ${cause.name}: ${cause.message}` : '';
    const message = `${this.client.name}.${call}: ${what}${why}\n\n${this.client.describe()}`;
    this.refuse(new TestFailure(message, { ...values, call, origin: this.#origin, hasDiff: true }));
  }
}

/** `expectNothing`: silent, got something, or cannot tell. */
export class NothingWait extends ClientWait<void> {
  readonly deadlineMs: number;
  readonly takesErrors = true;
  readonly #origin: { stack?: string };

  constructor(client: Waiting, origin: { stack?: string }) {
    super(client);
    this.deadlineMs = client.nowMs();
    this.#origin = origin;
  }

  poll(): boolean {
    // Calls that came before this one have the first claim to what is there.
    if (this.client.queue.length > 0) return false;
    return this.#hasFrame();
  }

  expire(parked: readonly Busy[]): void {
    if (!this.#hasFrame() && !this.doubt(parked)) this.resolve();
  }

  /** Nothing came, but somebody may yet send. True: that is the result. */
  doubt(parked: readonly Busy[]): boolean {
    if (parked.length === 0 || this.client.closed !== undefined) return false;
    this.refuse(cannotTell(`${this.client.name}.expectNothing`, parked, this.#origin));
    return true;
  }

  #hasFrame(): boolean {
    const [frame] = this.client.unread;
    if (frame === undefined) return false;
    const call = 'expectNothing';
    const message = `${this.client.name}.${call}: got ${show(valueOf(frame))}\n\n${this.client.describe()}`;
    this.refuse(new TestFailure(message, { call, origin: this.#origin }));
    return true;
  }
}

/** `close()`: until both sides have said so; a server that does not answer is left after two seconds of its time. */
export class EndWait extends ClientWait<void> {
  readonly deadlineMs: number;
  readonly takesErrors = false;
  readonly #giveUp: () => void;

  constructor(client: Waiting, giveUp: () => void) {
    super(client);
    this.deadlineMs = client.nowMs() + answerPatienceMs;
    this.#giveUp = giveUp;
  }

  poll(): boolean {
    if (this.client.closed === undefined) return false;
    this.resolve();
    return true;
  }

  expire(): void {
    this.#giveUp();
    this.resolve();
  }
}

const answerPatienceMs = 2_000;
