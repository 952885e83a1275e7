import { HandshakeError, type Denial } from '../../src/index.ts';
import type { TestClient } from '../client/client.ts';
import { callerLines } from '../time/clock.ts';
import type { Busy } from '../time/watched-app.ts';
import { TestFailure } from '../client/failure.ts';
import type { Refused } from '../transport/link.ts';
import type { LinkClient } from '../client/link-client.ts';
import { besides, ClientWait } from '../client/wait.ts';

/** This tells how a handshake ended. */
export type Handshake = Accepted | Denied;

/** A handshake that ended with 101. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly client: TestClient;
}

/** A handshake that ended with another answer than 101. */
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

interface HandshakeCall {
  readonly path: string;
  readonly origin: { stack?: string };
  readonly deadlineMs: number;
  readonly denialOf: () => Denial | undefined;
}

/** Until the client is answered; the clock may move as far as the accept timeout, which answers by itself. */
abstract class AnswerWait<T> extends ClientWait<T> {
  readonly deadlineMs: number;
  protected readonly linkClient: LinkClient;
  protected readonly asked: HandshakeCall;
  #answer: Handshake | undefined;

  constructor(client: LinkClient, asked: HandshakeCall) {
    super(client);
    this.linkClient = client;
    this.asked = asked;
    this.deadlineMs = asked.deadlineMs;
  }

  opened(): void {
    this.#answer = { kind: 'accepted', client: this.linkClient };
  }

  refused({ status, headers, body }: Refused): void {
    const denial = this.asked.denialOf();
    const known =
      denial === undefined
        ? {}
        : {
            by: denial.by,
            ...(denial.code === undefined ? {} : { code: denial.code }),
            ...(denial.by === 'threw' ? { error: denial.error } : {}),
          };
    this.#answer = { kind: 'denied', status, headers, body, ...known };
    this.linkClient.neverOpened();
  }

  poll(): boolean {
    if (this.#answer === undefined) {
      if (this.client.closed === undefined) return false;
      this.expire([]);
      return true;
    }
    if (this.#answer.kind === 'denied') this.activity.seeErrorsOf(this.client.upgrade);
    this.answered(this.#answer);
    return true;
  }

  expire(parked: readonly Busy[]): void {
    const what = `the handshake at ${this.asked.path} was neither accepted nor denied${besides(parked)}`;
    const message = `${this.client.name}: ${what}\n\n${this.client.describe()}`;
    this.linkClient.drop();
    this.linkClient.neverOpened();
    this.refuse(new TestFailure(message, { call: 'connect', origin: this.asked.origin }));
  }

  protected abstract answered(answer: Handshake): void;
}

/** `handshake()`: the answer is the result, whatever it is. */
export class HandshakeWait extends AnswerWait<Handshake> {
  readonly takesErrors = false;

  get subject(): unknown {
    return this.client.upgrade;
  }

  protected answered(answer: Handshake): void {
    this.resolve(answer);
  }
}

/** `connect()`: a client, or the reason why there is none. */
export class ConnectWait extends AnswerWait<TestClient> {
  readonly takesErrors = true;

  protected answered(answer: Handshake): void {
    if (answer.kind === 'accepted') this.resolve(answer.client);
    else if (answer.by === 'threw') this.refuse(answer.error);
    else this.refuse(notAccepted(this.asked.path, answer, this.asked.origin));
  }
}

function notAccepted(path: string, denied: Denied, origin: { stack?: string }): HandshakeError {
  const { status, by, code, body } = denied;
  const who = by === undefined ? '' : ` by ${denierNames[by]}${code === undefined ? '' : ` with close(${code})`}`;
  const said = body === '' ? '' : `: ${body.trim().slice(0, 200)}`;
  const what = status === 0 ? `could not be reached${said}` : `was denied with ${status}${who}${said}`;
  const error = new HandshakeError(
    'CHANNELBOX_NOT_ACCEPTED',
    `${path} ${what}; use handshake() where that is expected`,
    { cause: denied },
  );
  error.stack = `HandshakeError: ${error.message}\n${callerLines(origin)}`;
  return error;
}

const denierNames: Record<Denial['by'], string> = {
  handler: 'the handler',
  middleware: 'a middleware',
  returned: 'a handler that returned without accept()',
  threw: 'an error',
  timeout: 'the accept timeout',
  route: 'the router: no route matches',
  origin: 'the check of Origin',
  host: 'the check of Host',
  limit: 'a limit of the app',
  draining: 'an app that is drained',
  left: 'the client, who left',
  'bad-handshake': 'the transport: it is no handshake',
};
