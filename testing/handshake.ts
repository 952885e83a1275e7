import type { Denial } from '../src/index.ts';
import type { LinkClient, TestClient } from './client.ts';
import type { Busy, Wait } from './driver.ts';
import { TestFailure } from './failure.ts';
import type { Refused } from './link.ts';
import { Seen } from './seen.ts';
import type { Session } from './session.ts';

export type Handshake = Accepted | Denied;

export interface Accepted {
  readonly kind: 'accepted';
  readonly client: TestClient;
}

export interface Denied {
  readonly kind: 'denied';
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** These three come from the app itself, so they are absent against a URL. */
  readonly by?: Denial['by'];
  readonly code?: number;
  readonly error?: unknown;
}

/** Until the client is answered; the clock may move as far as the accept timeout, which answers by itself. */
export class HandshakeWait implements Wait {
  readonly session: Session;
  readonly deadlineMs: number;
  readonly takesErrors: boolean;
  readonly promise: Seen<Handshake>;
  readonly origin: { stack?: string };
  readonly #client: LinkClient;
  readonly #denialOf: () => Denial | undefined;
  #answer: Handshake | undefined;
  #resolve!: (handshake: Handshake) => void;
  #reject!: (reason: unknown) => void;

  constructor(
    client: LinkClient,
    options: { takesErrors: boolean; origin: { stack?: string }; denialOf: () => Denial | undefined },
  ) {
    this.session = client.session;
    this.deadlineMs = client.handshakeDeadlineMs;
    this.takesErrors = options.takesErrors;
    this.origin = options.origin;
    this.#client = client;
    this.#denialOf = options.denialOf;
    this.promise = new Seen<Handshake>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  opened(): void {
    this.#answer = { kind: 'accepted', client: this.#client };
  }

  refused({ status, headers, body }: Refused): void {
    const denial = this.#denialOf();
    const known =
      denial === undefined
        ? {}
        : {
            by: denial.by,
            ...(denial.code === undefined ? {} : { code: denial.code }),
            ...(denial.by === 'threw' ? { error: denial.error } : {}),
          };
    this.#answer = { kind: 'denied', status, headers, body, ...known };
    this.#client.neverOpened();
  }

  poll(): boolean {
    if (this.#answer === undefined) return false;
    if (this.#answer.kind === 'denied') this.session.seeErrorsOf(this.#client.upgrade);
    this.#resolve(this.#answer);
    return true;
  }

  expire(_parked: readonly Busy[]): boolean {
    const { name } = this.#client;
    const message = `${name}: the handshake was neither accepted nor denied\n\n${this.#client.describe()}`;
    const error = new TestFailure(message, { call: 'connect', origin: this.origin });
    this.#client.neverOpened();
    this.#client.failed({ error, promise: this.promise });
    this.#reject(error);
    return true;
  }

  refuse(error: unknown): void {
    this.#reject(error);
  }
}
