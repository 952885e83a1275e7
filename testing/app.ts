import { randomUUID } from 'node:crypto';
import { HandshakeError, instrument, type App, type Denial, type Upgrade } from '../src/index.ts';
import { LinkClient, type Bench, type ConnectOptions, type TestClient } from './client.ts';
import { originOf, owners, TestClock } from './clock.ts';
import type { Mover, Wait } from './driver.ts';
import { HandshakeWait, type Denied, type Handshake } from './handshake.ts';
import { Leftovers } from './leftovers.ts';
import type { LinkTransport } from './link.ts';
import { requestOf } from './request.ts';
import { SeededRandom } from './random.ts';
import { Seen } from './seen.ts';
import { Session } from './session.ts';
import { TcpTransport } from './tcp.ts';
import { Log } from './transcript.ts';
import { MemoryTransport } from './transport.ts';
import { cannotTell, type FailedWait } from './wait.ts';

/** Sources of time and chance for an app under test. */
export interface TestEnv {
  readonly clock: TestClock;
  /** 0 … 1, from the seed. */
  random(): number;
  uuid(): string;
}

export interface TestTargetOptions {
  /** Unread frames at the end are a failure too. */
  strict?: boolean;
  /** Real time that a wait may take where rest cannot be decided; default 1 000. */
  watchdogMs?: number;
  /** The way to clean up after this test: `onTestFinished` of vitest's test context, node:test's `(f) => t.after(f)`. */
  after?: (cleanup: (context?: unknown) => Promise<void>) => void;
}

export interface TestAppOptions extends TestTargetOptions {
  /** `'tcp'`: real sockets over the loopback. Default `'memory'`. */
  transport?: 'memory' | 'tcp';
  /** Default: one of its own. */
  clock?: TestClock;
  /** Of `env.random` and `env.uuid`, 1. */
  seed?: number;
}

export type Tuple<T, N extends number, Built extends T[] = []> = number extends N
  ? T[]
  : Built['length'] extends N
    ? Built
    : Built['length'] extends 64
      ? T[]
      : Tuple<T, N, [...Built, T]>;

export interface TestTarget extends AsyncDisposable {
  /** @throws {HandshakeError} when it is not accepted. */
  connect(path: string, options?: ConnectOptions): Promise<TestClient>;
  connectAll<const N extends number>(
    count: N,
    path: string,
    options?: ConnectOptions | ((index: number) => ConnectOptions),
  ): Promise<Tuple<TestClient, N>>;
  handshake(path: string, options?: ConnectOptions): Promise<Handshake>;
  /** What disposal does: closes every client, then fails on what the test left behind. */
  close(): Promise<void>;
}

export interface TestApp extends TestTarget {
  readonly app: App;
  readonly clock: TestClock;
  /** Resolves at rest, without moving the clock; rejects with the first error that nobody has seen. `realMs` accepts a real pause for parked handlers. */
  settle(options?: { realMs?: number }): Promise<void>;
}

/** The clients of one target, its log and its end: what an app and a URL have in common. */
export abstract class Target implements TestTarget, Bench {
  abstract readonly session: Session;
  abstract readonly log: Log;
  abstract readonly patienceMs: number;
  abstract readonly isVirtual: boolean;
  /** Longer than any server's own accept timeout should be. */
  readonly handshakeMs = 15_000;
  readonly failures: FailedWait[] = [];
  readonly clients: LinkClient[] = [];
  readonly denials: Map<Upgrade, Denial> = new Map();
  readonly #options: TestTargetOptions;
  #names = 0;
  #leftovers: Promise<Leftovers> | undefined;
  #isTold = false;

  constructor(options: TestTargetOptions) {
    this.#options = options;
    options.after?.(async (context) => {
      this.#tell(await this.#end(), hasTaskFailed(context));
    });
  }

  abstract nowMs(): number;
  abstract addWait(wait: Wait): void;
  abstract addMover(mover: Mover): void;
  protected abstract readonly transport: LinkTransport;
  protected abstract finish(): Promise<Leftovers>;

  get isStrict(): boolean {
    return this.#options.strict ?? false;
  }

  connect(path: string, options: ConnectOptions = {}): Promise<TestClient> {
    const wait = this.#shake(path, options, { takesErrors: true, above: this.connect });
    return new Seen<TestClient>((resolve, reject) => {
      void Promise.prototype.then.call(
        wait.promise,
        (handshake: unknown) => {
          const answer = handshake as Handshake;
          if (answer.kind === 'accepted') resolve(answer.client);
          else reject(notAccepted(path, answer, wait.origin));
        },
        reject,
      );
    });
  }

  async connectAll<const N extends number>(
    count: N,
    path: string,
    options: ConnectOptions | ((index: number) => ConnectOptions) = {},
  ): Promise<Tuple<TestClient, N>> {
    const each = typeof options === 'function' ? options : (): ConnectOptions => options;
    const clients = Array.from({ length: count }, (_, index) => this.connect(path, each(index)));
    return (await Promise.all(clients)) as Tuple<TestClient, N>;
  }

  handshake(path: string, options: ConnectOptions = {}): Promise<Handshake> {
    return this.#shake(path, options, { takesErrors: false, above: this.handshake }).promise;
  }

  async close(): Promise<void> {
    const leftovers = await this.#end();
    // With a hook the first failure is the one that shows: the list is the hook's.
    if (this.#options.after === undefined) this.#tell(leftovers, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #shake(
    path: string,
    options: ConnectOptions,
    asked: { takesErrors: boolean; above: (...args: never[]) => unknown },
  ): HandshakeWait {
    this.#names += 1;
    const client = new LinkClient(this, options.name ?? `client ${this.#names}`);
    this.clients.push(client);
    const wait = new HandshakeWait(client, {
      takesErrors: asked.takesErrors,
      origin: originOf(asked.above),
      denialOf: () => (client.upgrade === undefined ? undefined : this.denials.get(client.upgrade)),
    });
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
    return wait;
  }

  #end(): Promise<Leftovers> {
    this.#leftovers ??= this.finish();
    return this.#leftovers;
  }

  #tell(leftovers: Leftovers, hasFailed: boolean): void {
    if (this.#isTold || leftovers.isEmpty) return;
    this.#isTold = true;
    if (hasFailed || this.failures.some((failure) => failure.promise.isAwaited)) console.error(leftovers.text);
    else throw leftovers.error();
  }
}

/** An app, a clock that stands still, and clients that need no network. */
class AppTarget extends Target implements TestApp {
  readonly app: App;
  readonly clock: TestClock;
  readonly session: Session;
  readonly log: Log;
  readonly patienceMs = 0;
  readonly isVirtual = true;
  protected readonly transport: LinkTransport;

  constructor(given: App | ((env: TestEnv) => App), options: TestAppOptions) {
    super(options);
    this.clock = options.clock ?? new TestClock();
    const random = new SeededRandom(options.seed ?? 1);
    const env: TestEnv = { clock: this.clock, random: () => random.next(), uuid: () => random.uuid() };
    this.app = typeof given === 'function' ? owners.run(background, () => given(env)) : given;
    this.session = new Session(this.clock, options.watchdogMs ?? 1_000);
    const tcp = options.transport === 'tcp' ? new TcpTransport(this.app) : undefined;
    instrument(
      this.app,
      this.session.probe({
        ...(typeof given === 'function' ? { uuid: () => random.uuid() } : { uuid: randomUUID }),
        ...(tcp === undefined ? {} : { upgrade: (upgrade) => tcp.watch(upgrade) }),
        denied: (upgrade, denial) => {
          this.denials.set(upgrade, denial);
        },
      }),
    );
    this.transport = tcp ?? new MemoryTransport(this.app);
    this.session.isInFlight = () => this.transport.isInFlight();
    this.clock.driver.addSession(this.session);
    this.log = new Log({ now: () => this.clock.monotonic(), unixMs: this.clock.now(), isVirtual: true });
  }

  nowMs(): number {
    return this.clock.monotonic();
  }

  addWait(wait: Wait): void {
    this.clock.driver.addWait(wait);
  }

  addMover(mover: Mover): void {
    this.clock.driver.addMover(mover);
  }

  settle(options: { realMs?: number } = {}): Promise<void> {
    const origin = originOf(this.settle);
    return new Seen<void>((resolve, reject) => {
      this.addMover({
        call: 'settle',
        byMs: 0,
        session: this.session,
        realMs: options.realMs,
        resolve: () => resolve(),
        reject,
        cannotTell: (parked) => cannotTell('settle', parked, origin),
      });
    });
  }

  protected async finish(): Promise<Leftovers> {
    await this.#rest();
    const leftovers = new Leftovers();
    leftovers.addUnread(this.isStrict ? this.clients : []);
    for (const client of this.clients) {
      client.resume();
      void client.close(1001);
    }
    await this.#rest();
    leftovers.addErrors(this.session);
    leftovers.addRunning(this.session);
    leftovers.addTimers(this.clock, this.session);
    leftovers.addForgotten(this.failures);
    leftovers.addMemberships(this.session);
    for (const client of this.clients) client.drop();
    if (this.session.running.size === 0) await this.app.close();
    else void this.app.close();
    await this.transport.close();
    this.clock.driver.removeSession(this.session);
    return leftovers;
  }

  /** To rest, without time passing; what is parked stays so. */
  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.addMover({ call: 'close', byMs: 0, resolve: () => resolve(), reject: () => resolve() });
    });
  }
}

export function testApp(app: App | ((env: TestEnv) => App), options: TestAppOptions = {}): TestApp {
  return new AppTarget(app, options);
}

/** What a factory starts besides handlers belongs to the app, not to the test's body. */
const background = { enter: (): void => {}, leave: (): void => {} };

function notAccepted(path: string, denied: Denied, origin: { stack?: string }): unknown {
  if (denied.by === 'threw') return denied.error;
  const who = denied.by === undefined ? '' : ` by ${denied.by}${denied.code === undefined ? '' : ` (${denied.code})`}`;
  const body = denied.body === '' ? '' : `: ${denied.body.trim().slice(0, 200)}`;
  const error = new HandshakeError(
    'CHANNELBOX_NOT_ACCEPTED',
    `${path} was denied with ${denied.status}${who}${body}; use handshake() where that is expected`,
    { cause: denied },
  );
  error.stack = `HandshakeError: ${error.message}\n${(origin.stack ?? '').split('\n').slice(1).join('\n')}`;
  return error;
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
