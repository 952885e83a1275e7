import type { Message, Upgrade } from '../../src/index.ts';
import type { Closed } from './client.ts';
import type { Busy, Wait } from '../time/watched-app.ts';
import { diffOf, TestFailure, type FailureOptions } from './failure.ts';
import { Deferred, type FailedCall, type ObservedPromise } from '../time/observed-promise.ts';
import type { AppActivity } from './app-activity.ts';

/** An error of a match's own, for one of the frames. */
export interface Thrown {
  /** Of the frames that are not read yet. */
  readonly at: number;
  readonly why: string;
  readonly error: unknown;
}

/** What a waiting call says of the frames that are there. */
export type FrameReading<T> =
  | { readonly is: 'done'; readonly value: T; readonly taken: number; readonly skipped?: readonly number[] }
  | {
      readonly is: 'wrong';
      readonly why: string;
      readonly actual?: unknown;
      readonly expected?: unknown;
      readonly at?: number;
      /** What the match itself threw; its own values are shown by whoever shows it. */
      readonly cause?: unknown;
      /** Where several matches are tried: what one of them threw, which may be the reason. */
      readonly threw?: Thrown | undefined;
    }
  | { readonly is: 'open'; readonly missing: string; readonly threw?: Thrown | undefined }
  /** A schema is still thinking. */
  | { readonly is: 'thinking' };

/** A client as its waits see it. */
export interface Waiting {
  readonly name: string;
  readonly activity: AppActivity;
  /** Not read yet. */
  readonly unread: readonly Message[];
  /** Frames read before them. */
  readonly readCount: number;
  readonly ending: string | undefined;
  readonly closed: Closed | undefined;
  readonly isPaused: boolean;
  /** What the server was asked with, for errors that are this client's. */
  readonly upgrade: Upgrade | undefined;
  take(count: number, skipped: readonly number[]): void;
  /** The waits of one client are decided in their order. */
  readonly queue: FrameWait<never>[];
  describe(): string;
  /** A call of the test was refused: it failed, or the app did. */
  refused(refusal: FailedCall): void;
  nowMs(): number;
}

export interface FrameCall<T> {
  /** As a message calls it: `expect`, `receiveText`. */
  readonly call: string;
  readonly withinMs: number;
  readonly origin: { stack?: string };
  read(frames: readonly Message[]): FrameReading<T>;
}

/** A wait is one call of one client, decided once. */
export abstract class ClientWait<T> implements Wait {
  readonly activity: AppActivity;
  abstract readonly deadlineMs: number;
  abstract readonly takesErrors: boolean;
  protected readonly client: Waiting;
  readonly #settling = new Deferred<T>();

  constructor(client: Waiting) {
    this.client = client;
    this.activity = client.activity;
  }

  get promise(): ObservedPromise<T> {
    return this.#settling.promise;
  }

  abstract poll(): boolean;
  abstract expire(parked: readonly Busy[]): void;

  refuse(error: unknown): void {
    this.client.refused({ error, promise: this.#settling.promise });
    this.#settling.reject(error);
  }

  protected resolve(value: T): void {
    this.#settling.resolve(value);
  }
}

type Missing = Pick<FrameReading<never> & { readonly is: 'open' }, 'missing' | 'threw'>;

/** A call that waits for frames of one client. */
export class FrameWait<T> extends ClientWait<T> {
  readonly deadlineMs: number;
  readonly takesErrors = true;
  readonly #call: FrameCall<T>;
  #isThinking = false;

  constructor(client: Waiting, call: FrameCall<T>) {
    super(client);
    this.#call = call;
    this.deadlineMs = client.nowMs() + call.withinMs;
    client.queue.push(this as unknown as FrameWait<never>);
  }

  get isThinking(): boolean {
    return this.#isThinking;
  }

  get name(): string {
    return this.#call.call;
  }

  poll(): boolean {
    const { client } = this;
    if (client.queue[0] !== (this as unknown as FrameWait<never>)) return false;
    let reading: FrameReading<T>;
    try {
      reading = this.#call.read(client.unread);
    } catch (error) {
      this.refuse(error);
      return true;
    }
    this.#isThinking = reading.is === 'thinking';
    if (reading.is === 'done') {
      client.take(reading.taken, reading.skipped ?? []);
      this.#leaveQueue();
      this.resolve(reading.value);
    } else if (reading.is === 'wrong') this.#wrong(reading);
    else if (reading.is !== 'open' || client.ending === undefined) return false;
    // The error that closed it says more than that it is closed, and is about to be told.
    else if (this.activity.hasUnseenError) return false;
    else this.#miss(reading, `, and the connection is closed: ${client.ending}${this.#failureOfApp}`);
    return true;
  }

  expire(parked: readonly Busy[]): void {
    if (!this.poll()) this.#miss(this.#missing(), ` ${this.#when}${besides(parked)}`);
  }

  override refuse(error: unknown): void {
    this.#leaveQueue();
    super.refuse(error);
  }

  get #failureOfApp(): string {
    const error = this.activity.errorOf(this.client.upgrade);
    return error instanceof Error ? `\nThe app failed: ${error.name}: ${error.message}` : '';
  }

  #missing(): Missing {
    const [first] = this.client.queue;
    if (this.#isThinking) return { missing: 'the schema did not answer' };
    if (first !== (this as unknown as FrameWait<never>)) {
      return {
        missing: `an earlier call, ${first?.name}, still waits and is served first; no frame came for this one`,
      };
    }
    const reading = this.#call.read(this.client.unread);
    return reading.is === 'open' ? reading : { missing: 'no frame decided it' };
  }

  #miss({ missing, threw }: Missing, how: string): void {
    this.#fail(`${missing}${this.#told(threw)}${how}`, { cause: threw?.error });
  }

  #told(threw: Thrown | undefined): string {
    return threw === undefined ? '' : `; for ${this.#placeOf(threw.at)} ${threw.why}`;
  }

  #placeOf(at: number): string {
    return `frame ${this.client.readCount + at + 1} of ${this.client.name}`;
  }

  get #when(): string {
    if (this.#isThinking) return 'in its real time';
    if (this.#call.withinMs > 0) return `within ${this.#call.withinMs} ms`;
    return this.client.isPaused ? 'while it is paused' : 'and nothing is on its way';
  }

  #wrong(reading: FrameReading<T> & { readonly is: 'wrong' }): void {
    const { threw } = reading;
    const cause = reading.cause ?? threw?.error;
    const isObject = typeof reading.expected === 'object' && reading.expected !== null;
    const hasDiff = cause === undefined && isObject && reading.actual !== undefined;
    const diff = hasDiff ? `\n${diffOf(reading.expected, reading.actual)}` : '';
    const what = `${this.#placeOf(reading.at ?? 0)} is not what was expected: ${reading.why}${this.#told(threw)}${diff}`;
    // What a match threw has values of its own, which the message leaves to the runner.
    this.#fail(what, { ...reading, cause, hasDiff: cause === undefined });
  }

  #fail(what: string, values: Pick<FailureOptions, 'actual' | 'expected' | 'cause' | 'hasDiff'> = {}): void {
    const { call, origin } = this.#call;
    const message = `${this.client.name}.${call}: ${what}\n\n${this.client.describe()}`;
    const { actual, expected, cause, hasDiff = false } = values;
    this.refuse(new TestFailure(message, { call, origin, actual, expected, cause, hasDiff }));
  }

  #leaveQueue(): void {
    const { queue } = this.client;
    const at = queue.indexOf(this as unknown as FrameWait<never>);
    if (at >= 0) queue.splice(at, 1);
  }
}

/** "Cannot tell": who is parked, and what helps. */
export function cannotTell(call: string, parked: readonly Busy[], origin: { stack?: string }): TestFailure {
  return new TestFailure(
    `${call}: cannot tell, because a handler waits on something outside of the test's reach:\n${listOf(parked)}\n` +
      `${remedy}, or accept a real pause here with { realMs }.`,
    { call, origin },
  );
}

/** For a failure that may have come too early. */
export function besides(parked: readonly Busy[]): string {
  if (parked.length === 0) return '';
  return (
    `\nWhat is missing may come later: a handler waits on something outside of the test's reach:\n${listOf(parked)}\n` +
    `${remedy} (await t.settle({ realMs: 3_000 }) before this call), or a larger watchdogMs.`
  );
}

const remedy =
  'If it is a pause, let it wait by ws.app.clock.sleep(), which the test moves; if it is real work, give it real time';

function listOf(parked: readonly Busy[]): string {
  return parked.map((running) => `  - ${running.describe().replaceAll('\n', '\n    ')}`).join('\n');
}
