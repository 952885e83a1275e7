import { randomUUID } from 'node:crypto';
import { instrument, type App } from '../../src/index.ts';
import { originOf, owners, TestClock, type Owner } from '../time/clock.ts';
import type { ClockMove, Wait } from '../time/watched-app.ts';
import { Leaks } from './leaks.ts';
import type { LinkTransport } from '../transport/link.ts';
import { SeededRandom } from '../../src/internal.ts';
import { Deferred } from '../time/observed-promise.ts';
import { HandlerActivity } from './handler-activity.ts';
import { Target, type TestTarget, type TestTargetOptions } from './target.ts';
import { TcpTransport } from '../transport/tcp.ts';
import { Log } from '../client/transcript.ts';
import { MemoryLinks } from '../transport/memory.ts';
import { cannotTell } from '../client/wait.ts';

/** Sources of time and chance for an app under test. */
export interface TestEnv {
  readonly clock: TestClock;
  /** 0 … 1, from the seed. */
  random(): number;
  /** A fresh id, drawn from the seed. */
  uuid(): string;
}

/** How an app is put under test. */
export interface TestAppOptions extends TestTargetOptions {
  /** `'tcp'`: real sockets over the loopback. Default `'memory'`. */
  transport?: 'memory' | 'tcp';
  /** Default: one of its own. */
  clock?: TestClock;
  /** Of `env.random` and `env.uuid`, 1. */
  seed?: number;
}

/** An app under test, its clients and its clock. */
export interface TestApp extends TestTarget {
  readonly app: App;
  readonly clock: TestClock;
  /**
   * Resolves at rest, without moving the clock; rejects with the first error that nobody has seen.
   * @param options.realMs accepts a real pause for parked handlers.
   */
  settle(options?: { realMs?: number }): Promise<void>;
}

// Kept from before fake timers can replace it.
const { setImmediate } = globalThis;
/** What a factory starts besides handlers belongs to the app, not to the test's body. */
const background: Owner = { enter: () => {}, leave: () => {} };
/** Virtual; an app without an accept timeout would otherwise be asked for ever. */
const dayMs = 24 * 60 * 60 * 1000;

/** An app, a clock that stands still, and clients that need no network. */
class AppTarget extends Target implements TestApp {
  readonly app: App;
  readonly clock: TestClock;
  readonly activity: HandlerActivity;
  readonly log: Log;
  readonly patienceMs = 0;
  readonly isVirtual = true;
  protected readonly handshakeMs = dayMs;
  protected readonly transport: LinkTransport;

  constructor(given: App | ((env: TestEnv) => App), options: TestAppOptions) {
    super(options);
    this.clock = options.clock ?? new TestClock();
    const made =
      typeof given === 'function' ? makeApp(given, this.clock, options.seed) : { app: given, uuid: randomUUID };
    this.app = made.app;
    this.activity = new HandlerActivity(this.clock, options.watchdogMs ?? 1_000);
    const tcp = options.transport === 'tcp' ? new TcpTransport(this.app) : undefined;
    instrument(
      this.app,
      this.activity.probe({
        uuid: made.uuid,
        ...(tcp === undefined ? {} : { upgrade: (upgrade) => tcp.watch(upgrade) }),
        denied: (upgrade, denial) => {
          this.denials.set(upgrade, denial);
        },
      }),
    );
    this.transport = tcp ?? new MemoryLinks(this.app);
    this.activity.watch({
      isInFlight: () => this.transport.isInFlight() || this.browserClients.isBusy,
      floodedClient: () => this.clients.find((client) => client.isFlooded)?.name,
      nameOf: (upgrade) => this.clients.find((client) => client.upgrade === upgrade)?.name,
    });
    this.clock.virtualTime.addSession(this.activity);
    this.log = new Log({ now: () => this.clock.monotonic(), unixMs: this.clock.now(), isVirtual: true });
    this.cleanUpAfterTest();
  }

  nowMs(): number {
    return this.clock.monotonic();
  }

  addWait(wait: Wait): void {
    this.clock.virtualTime.addWait(wait);
  }

  addMover(mover: ClockMove): void {
    this.clock.virtualTime.addMover(mover);
  }

  settle({ realMs }: { realMs?: number } = {}): Promise<void> {
    const origin = originOf(this.settle);
    const { promise, resolve, reject } = new Deferred<void>();
    const refuse = (error: unknown): void => {
      this.refusals.push({ error, promise });
      reject(error);
    };
    this.addMover({
      call: 'settle',
      byMs: 0,
      activity: this.activity,
      realMs,
      resolve: () => resolve(),
      reject: refuse,
      doubt: (parked) => {
        refuse(cannotTell('settle', parked, origin));
        return true;
      },
    });
    return promise;
  }

  protected async finish(): Promise<Leaks> {
    const { virtualTime } = this.clock;
    await this.#rest();
    virtualTime.expireAll(this.activity);
    const leaks = new Leaks();
    leaks.addUnread(this.isStrict ? this.clients : []);
    for (const client of this.clients) {
      client.resume();
      void client.close(1001);
    }
    this.browserClients.leave();
    await this.#rest();
    leaks.addErrors(this.activity);
    leaks.addRunning(this.activity);
    leaks.addTimers(this.clock, this.activity);
    leaks.addForgotten([...this.refusals, ...virtualTime.takeRefusals()]);
    leaks.addMemberships(this.activity);
    for (const client of this.clients) client.drop();
    await this.#closeApp();
    await this.transport.close();
    virtualTime.removeSession(this.activity);
    return leaks;
  }

  /** Handlers that still run would keep it; so would a layer that does not close. */
  async #closeApp(): Promise<void> {
    let isClosed = this.activity.running.size > 0;
    const closing = this.app.close().then(
      () => {
        isClosed = true;
      },
      () => {
        isClosed = true;
      },
    );
    if (isClosed) return;
    await Promise.race([closing, turn()]);
    if (!isClosed) await this.#rest();
    if (isClosed) return;
    // It drains: what its clients have not answered it cuts off after a while.
    await this.clock.advance(drainMs);
    if (!isClosed) await Promise.race([closing, this.#rest()]);
  }

  /** To rest, without time passing; what is parked stays so. */
  #rest(): Promise<void> {
    const { promise, resolve } = new Deferred<void>();
    this.addMover({ call: 'close', byMs: 0, resolve: () => resolve(), reject: () => resolve() });
    return promise;
  }
}

/** An app of the test's own sources of time and chance. */
function makeApp(
  factory: (env: TestEnv) => App,
  clock: TestClock,
  seed = 1,
): { readonly app: App; readonly uuid: () => string } {
  const random = new SeededRandom(seed);
  const uuid = (): string => random.uuid();
  const env: TestEnv = { clock, random: () => random.next(), uuid };
  return { app: owners.run({ ...background, clock }, () => factory(env)), uuid };
}

const drainMs = 10_000;

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * An app under test: its time is a clock that stands still, its clients need no network.
 * @throws {RouteError} `CHANNELBOX_APP_IN_USE` when the app has had its first connection
 */
export function testApp(app: App | ((env: TestEnv) => App), options: TestAppOptions = {}): TestApp {
  return new AppTarget(app, options);
}
