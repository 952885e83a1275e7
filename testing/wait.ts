import type { Message, Upgrade } from '../src/index.ts';
import { callerLines } from './clock.ts';
import type { Busy, Wait } from './driver.ts';
import { diffOf, TestFailure } from './failure.ts';
import { Seen } from './seen.ts';
import type { Session } from './session.ts';

/** What a waiting call says of the frames that are there. */
export type Reading<T> =
  | { readonly is: 'done'; readonly value: T; readonly taken: number; readonly skipped?: readonly number[] }
  | {
      readonly is: 'wrong';
      readonly why: string;
      readonly actual?: unknown;
      readonly expected?: unknown;
      readonly at?: number;
    }
  | { readonly is: 'open'; readonly missing: string }
  /** A schema is still thinking. */
  | { readonly is: 'thinking' };

/** A client as its waits see it. */
export interface Waiting {
  readonly name: string;
  readonly session: Session;
  /** Not read yet. */
  readonly unread: readonly Message[];
  /** Frames read before them. */
  readonly readCount: number;
  readonly ending: string | undefined;
  readonly closed: Closed | undefined;
  /** What the server was asked with, for errors that are this client's. */
  readonly upgrade: Upgrade | undefined;
  take(count: number, skipped: readonly number[]): void;
  /** The waits of one client are decided in their order. */
  readonly queue: FrameWait<never>[];
  describe(): string;
  /** An assertion of the kit failed. */
  failed(failure: FailedWait): void;
  nowMs(): number;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export interface FailedWait {
  readonly error: Error;
  readonly promise: Seen<unknown>;
}

export interface FrameCall<T> {
  /** As a message calls it: `expect`, `receiveText`. */
  readonly call: string;
  readonly withinMs: number;
  readonly origin: { stack?: string };
  read(frames: readonly Message[]): Reading<T>;
}

/** A call that waits for frames of one client. */
export class FrameWait<T> implements Wait {
  readonly session: Session;
  readonly deadlineMs: number;
  readonly takesErrors = true;
  readonly promise: Seen<T>;
  readonly #client: Waiting;
  readonly #call: FrameCall<T>;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #isThinking = false;

  constructor(client: Waiting, call: FrameCall<T>) {
    this.#client = client;
    this.#call = call;
    this.session = client.session;
    this.deadlineMs = client.nowMs() + call.withinMs;
    this.promise = new Seen<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    client.queue.push(this as unknown as FrameWait<never>);
  }

  poll(): boolean {
    const client = this.#client;
    if (client.queue[0] !== (this as unknown as FrameWait<never>)) return false;
    let reading: Reading<T>;
    try {
      reading = this.#call.read(client.unread);
    } catch (error) {
      this.#end();
      this.#reject(error);
      return true;
    }
    this.#isThinking = reading.is === 'thinking';
    if (reading.is === 'done') {
      client.take(reading.taken, reading.skipped ?? []);
      this.#end();
      this.#resolve(reading.value);
      return true;
    }
    if (reading.is === 'wrong') return this.#fail(this.#wrong(reading));
    if (reading.is === 'open' && client.ending !== undefined) {
      return this.#fail(this.#failure(`${reading.missing}, but the connection is closed: ${client.ending}`));
    }
    return false;
  }

  expire(_parked: readonly Busy[]): boolean {
    if (this.#isThinking || this.#client.queue[0] !== (this as unknown as FrameWait<never>)) return false;
    const reading = this.#call.read(this.#client.unread);
    const missing = reading.is === 'open' ? reading.missing : 'no frame decided it';
    const { withinMs } = this.#call;
    const when = withinMs > 0 ? `within ${withinMs} ms` : 'and nothing is on its way';
    return this.#fail(this.#failure(`${missing} ${when}`));
  }

  refuse(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #wrong(reading: { why: string; actual?: unknown; expected?: unknown; at?: number }): TestFailure {
    const { name, readCount } = this.#client;
    const place = `frame ${readCount + (reading.at ?? 0) + 1} of ${name}`;
    const hasDiff = typeof reading.expected === 'object' && reading.expected !== null && reading.actual !== undefined;
    const diff = hasDiff ? `\n${diffOf(reading.expected, reading.actual)}` : '';
    return this.#failure(`${place} is not what was expected: ${reading.why}${diff}`, reading);
  }

  #failure(what: string, values: { actual?: unknown; expected?: unknown } = {}): TestFailure {
    const { call, origin } = this.#call;
    const message = `${this.#client.name}.${call}: ${what}\n\n${this.#client.describe()}`;
    return new TestFailure(message, { call, origin, actual: values.actual, expected: values.expected });
  }

  #fail(error: Error): boolean {
    this.#end();
    this.#client.failed({ error, promise: this.promise });
    this.#reject(error);
    return true;
  }

  #end(): void {
    const { queue } = this.#client;
    const at = queue.indexOf(this as unknown as FrameWait<never>);
    if (at >= 0) queue.splice(at, 1);
  }
}

/** "Cannot tell": who is parked, and what helps. */
export function cannotTell(call: string, parked: readonly Busy[], origin: { stack?: string }): Error {
  const list = parked.map((running) => `  - ${running.describe()}`).join('\n');
  const error = new TestFailure(
    `${call}: cannot tell, because a handler waits on something outside of the test's reach:\n${list}\n` +
      'If it is a pause, let it wait by ws.app.clock.sleep(); if it is real work, accept a real pause with { realMs }.',
    { call, origin },
  );
  error.stack = `AssertionError: ${error.message}\n${callerLines(origin)}`;
  return error;
}
