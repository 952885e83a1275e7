import type { Denial, ErrorContext, Upgrade } from '../../src/index.ts';
import type { ConnectOptions, TestClient } from '../client/client.ts';
import { originOf } from '../time/clock.ts';
import type { ClockMove, Wait } from '../time/watched-app.ts';
import { BrowserClients } from './browser-client.ts';
import { ConnectWait, HandshakeWait, type Handshake } from './handshake.ts';
import type { Leaks } from './leaks.ts';
import type { LinkTransport } from '../transport/link.ts';
import { LinkClient, type TestHost } from '../client/link-client.ts';
import { requestOf } from './request.ts';
import type { FailedCall } from '../time/observed-promise.ts';
import type { HandlerActivity } from './handler-activity.ts';
import type { Log } from '../client/transcript.ts';

/** How a target is tested, whatever it is. */
export interface TestTargetOptions {
  /** Unread frames at the end are a failure too. */
  strict?: boolean;
  /** Real time that a wait may take where rest cannot be decided; default 1 000. */
  watchdogMs?: number;
  /**
   * The way to clean up after this test: `onTestFinished` of vitest's test context (the imported one finds the wrong
   * test under `test.concurrent`), node:test's `(f) => t.after(f)`.
   */
  after?: (cleanup: (context?: unknown) => Promise<void>) => void;
}

/** An array of a length that the types know, up to 64. */
export type Tuple<T, N extends number, Built extends T[] = []> = number extends N
  ? T[]
  : Built['length'] extends N
    ? Built
    : Built['length'] extends 64
      ? T[]
      : Tuple<T, N, [...Built, T]>;

/** What clients of a test connect to. */
export interface TestTarget extends AsyncDisposable {
  /** @throws {HandshakeError} when it is not accepted. */
  connect(path: string, options?: ConnectOptions): Promise<TestClient>;
  /** So many clients at once, in order. @throws {HandshakeError} when one is not accepted. */
  connectAll<const N extends number>(
    count: N,
    path: string,
    options?: ConnectOptions | ((index: number) => ConnectOptions),
  ): Promise<Tuple<TestClient, N>>;
  /** A handshake whose answer is the result, whatever it is. */
  handshake(path: string, options?: ConnectOptions): Promise<Handshake>;
  /** What disposal does: closes every client, then fails on what the test left behind. */
  close(): Promise<void>;
}

/** A target has its clients, its log and its end, which is what an app and a URL have in common. */
export abstract class Target implements TestTarget, TestHost {
  abstract readonly activity: HandlerActivity;
  abstract readonly log: Log;
  abstract readonly patienceMs: number;
  abstract readonly isVirtual: boolean;
  readonly refusals: FailedCall[] = [];
  readonly clients: LinkClient[] = [];
  readonly denials: Map<Upgrade, Denial> = new Map();
  /** Clients that no test reads: browser code behind a bridge. */
  readonly browserClients: BrowserClients = new BrowserClients((request, events) =>
    this.transport.connect(request, events),
  );
  protected abstract readonly transport: LinkTransport;
  /** How long a handshake may take, beyond what any server's own limit should be. */
  protected abstract readonly handshakeMs: number;
  readonly #options: TestTargetOptions;
  readonly #ends: (() => void)[] = [];
  #names = 0;
  #leaks: Promise<Leaks> | undefined;
  #isTold = false;

  constructor(options: TestTargetOptions) {
    this.#options = options;
  }

  abstract nowMs(): number;
  abstract addWait(wait: Wait): void;
  abstract addMover(mover: ClockMove): void;
  protected abstract finish(): Promise<Leaks>;

  get isStrict(): boolean {
    return this.#options.strict ?? false;
  }

  /** Once it is all there: what could not be made needs no cleaning up. */
  protected cleanUpAfterTest(): void {
    this.#options.after?.(async (context) => {
      this.#tell(await this.#end(), hasTaskFailed(context));
    });
  }

  connect(path: string, options: ConnectOptions = {}): Promise<TestClient> {
    return this.#connect(path, options, originOf(this.connect));
  }

  connectAll<const N extends number>(
    count: N,
    path: string,
    options: ConnectOptions | ((index: number) => ConnectOptions) = {},
  ): Promise<Tuple<TestClient, N>> {
    const origin = originOf(this.connectAll);
    const each = typeof options === 'function' ? options : (): ConnectOptions => options;
    const clients = Array.from({ length: count }, (_, index) => this.#connect(path, each(index), origin));
    return Promise.all(clients) as Promise<unknown> as Promise<Tuple<TestClient, N>>;
  }

  handshake(path: string, options: ConnectOptions = {}): Promise<Handshake> {
    const client = this.#newClient(options);
    const wait = new HandshakeWait(client, this.#asked(client, path, originOf(this.handshake)));
    this.#ask(client, wait, { path, options });
    return wait.promise;
  }

  async close(): Promise<void> {
    const leaks = await this.#end();
    // With a hook the first failure is the one that shows: the list is the hook's.
    if (this.#options.after === undefined) this.#tell(leaks, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #connect(path: string, options: ConnectOptions, origin: { stack?: string }): Promise<TestClient> {
    const client = this.#newClient(options);
    const wait = new ConnectWait(client, this.#asked(client, path, origin));
    this.#ask(client, wait, { path, options });
    return wait.promise;
  }

  #newClient({ name }: ConnectOptions): LinkClient {
    this.#names += 1;
    const client = new LinkClient(this, name ?? `client ${this.#names}`);
    this.clients.push(client);
    return client;
  }

  #asked(client: LinkClient, path: string, origin: { stack?: string }): ConstructorParameters<typeof ConnectWait>[1] {
    return {
      path,
      origin,
      deadlineMs: this.nowMs() + this.handshakeMs,
      denialOf: () => (client.upgrade === undefined ? undefined : this.denials.get(client.upgrade)),
    };
  }

  #ask(
    client: LinkClient,
    wait: ConnectWait | HandshakeWait,
    { path, options }: { path: string; options: ConnectOptions },
  ): void {
    const link = this.transport.connect(requestOf(path, options), {
      opened: (answer) => {
        client.onOpen(answer);
        wait.opened();
      },
      refused: (answer) => {
        this.log.add(client.name, { kind: 'denied', code: answer.status });
        wait.refused(answer);
      },
      frame: (message) => client.onFrame(message),
      closed: (code, reason, wasClean) => client.onClosed({ code, reason, wasClean }),
      asked: (upgrade) => {
        client.upgrade = upgrade;
      },
    });
    client.attach(link);
    this.addWait(wait);
  }

  /** What ends with this target, at the latest. */
  atEnd(end: () => void): void {
    this.#ends.push(end);
  }

  /** A listener of a page has thrown: that fails the test as an error of the app's own does. */
  pageFailed(error: unknown, context: ErrorContext): void {
    this.activity.failures.push({ error, context, upgrade: undefined, isSeen: false });
  }

  #end(): Promise<Leaks> {
    this.#leaks ??= this.finish().finally(() => {
      for (const end of this.#ends) end();
    });
    return this.#leaks;
  }

  #tell(leaks: Leaks, hasFailed: boolean): void {
    if (this.#isTold || leaks.isEmpty) return;
    this.#isTold = true;
    // One that nobody awaited has failed nothing.
    if (hasFailed || this.refusals.some((refusal) => refusal.promise.isAwaited)) console.error(leaks.text);
    else throw leaks.error();
  }
}

/** vitest hands the hook its task, node:test its context. */
function hasTaskFailed(context: unknown): boolean {
  const { task, passed, error } = (context ?? {}) as {
    task?: { result?: { state?: string } };
    passed?: boolean;
    error?: unknown;
  };
  return task?.result?.state === 'fail' || passed === false || (error !== undefined && error !== null);
}
