import type { AppActivity } from '../client/app-activity.ts';
import type { Busy } from '../time/watched-app.ts';
import type { ErrorContext, Probe, Upgrade, ProbedConnection } from '../../src/index.ts';
import { callerLines, originOf, owners, type Owner, type TestClock } from '../time/clock.ts';

const { performance } = globalThis;

/** A handler that runs, as far as the kit can see: in a promise of ours it is quiet, anywhere else it is busy. */
export class RunningHandler implements Owner, Busy {
  readonly connection: ProbedConnection;
  busySince: number = performance.now();
  /** It was given its real time, and time moves on without it. */
  isGivenUp = false;
  readonly #activity: HandlerActivity;
  #depth = 0;
  #hasEnded = false;
  #lastCall = 'none yet';
  #origin: { stack?: string } = nowhere;

  constructor(activity: HandlerActivity, connection: ProbedConnection) {
    this.#activity = activity;
    this.connection = connection;
    activity.busy.add(this);
  }

  enter(call: string): void {
    this.note(call);
    this.#depth += 1;
    if (this.#depth === 1) this.#activity.busy.delete(this);
  }

  /** A consumer between two frames: no line of its own code waits. */
  rest(): void {
    this.#lastCall = 'none since its frame came';
    this.#origin = nowhere;
    this.#depth += 1;
    if (this.#depth === 1) this.#activity.busy.delete(this);
  }

  leave(): void {
    this.#depth -= 1;
    if (this.#depth > 0 || this.#hasEnded) return;
    this.#wake();
    this.#activity.busy.add(this);
  }

  /** It called the framework: it is alive. */
  note(call: string): void {
    this.#lastCall = call;
    this.#origin = originOf(this.note);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#activity.busy.delete(this);
    this.#activity.running.delete(this);
  }

  belongsTo(activity: HandlerActivity): boolean {
    return this.#activity === activity;
  }

  get clock(): unknown {
    return this.#activity.clock;
  }

  get place(): string {
    const { route, upgrade, hook, id } = this.connection;
    return placeOf({ route: route ?? upgrade.url.pathname, hook, connection: id }, this.#activity.nameOf(upgrade));
  }

  /** Route, hook, last call into the framework and where that was. */
  describe(): string {
    const stack = callerLines(this.#origin)
      .split('\n')
      .filter((line) => !isFramework(line))
      .slice(0, 4)
      .join('\n');
    return `${this.place}, last call: ${this.#lastCall}${stack === '' ? '' : `\n${stack}`}`;
  }

  #wake(): void {
    this.busySince = performance.now();
    this.isGivenUp = false;
  }
}

const nowhere: { stack?: string } = {};

/** Where frames pass between an app and its clients without end. */
class EndlessTraffic implements Busy {
  readonly busySince = 0;
  isGivenUp = false;
  readonly #floodedClient: () => string | undefined;

  constructor(floodedClient: () => string | undefined) {
    this.#floodedClient = floodedClient;
  }

  describe(): string {
    const name = this.#floodedClient();
    const flood =
      name === undefined ? '' : `; ${name} has more unread frames than a test reads: read them, or drop() the client`;
    return `the app itself: something is on its way between it and its clients, again and again, without end${flood}`;
  }
}

/** Route, hook and connection, as a message names them. */
export function placeOf({ route, hook, connection }: ErrorContext, name: string | undefined): string {
  return `${route ?? 'no route'}, ${hook}, connection ${connection}${name === undefined ? '' : ` of ${name}`}`;
}

export interface HandlerFailure {
  readonly error: unknown;
  readonly context: ErrorContext;
  /** Undefined for what a page's listener has thrown. */
  readonly upgrade: Upgrade | undefined;
  isSeen: boolean;
}

/** The other end of an app under test, as far as its rest depends on it. */
export interface WatchedClients {
  /** Everything on its way between the two ends. */
  isInFlight(): boolean;
  /** The name of a client that has more unread frames than a test reads. */
  floodedClient(): string | undefined;
  /** Of the client that asked so. */
  nameOf(upgrade: Upgrade | undefined): string | undefined;
}

const noClients: WatchedClients = {
  isInFlight: () => false,
  floodedClient: () => undefined,
  nameOf: () => undefined,
};

/** The kit knows this of one app under test: who runs, who failed, what is on its way. */
export class HandlerActivity implements AppActivity {
  readonly clock: TestClock;
  readonly watchdogMs: number;
  readonly restless: Busy = new EndlessTraffic(() => this.#clients.floodedClient());
  readonly busy: Set<RunningHandler> = new Set();
  readonly running: Set<RunningHandler> = new Set();
  readonly failures: HandlerFailure[] = [];
  readonly connections: ProbedConnection[] = [];
  readonly #byConnection = new Map<ProbedConnection, RunningHandler>();
  #clients: WatchedClients = noClients;

  constructor(clock: TestClock, watchdogMs: number) {
    this.clock = clock;
    this.watchdogMs = watchdogMs;
  }

  /** The clients whose app this is, once there are any. */
  watch(clients: WatchedClients): void {
    this.#clients = clients;
  }

  get isFlooded(): boolean {
    return this.#clients.floodedClient() !== undefined;
  }

  get inFlight(): boolean {
    return this.#clients.isInFlight();
  }

  nameOf(upgrade: Upgrade | undefined): string | undefined {
    return this.#clients.nameOf(upgrade);
  }

  get hasUnseenError(): boolean {
    return this.failures.some((failure) => !failure.isSeen);
  }

  takeError(reported: ReadonlySet<unknown>): { readonly error: unknown } | undefined {
    const failure = this.failures.find(
      ({ isSeen, upgrade }) => !isSeen && (upgrade === undefined || !reported.has(upgrade)),
    );
    if (failure !== undefined) failure.isSeen = true;
    return failure;
  }

  /** The first of one connection, seen or not. */
  errorOf(upgrade: Upgrade | undefined): unknown {
    return upgrade === undefined ? undefined : this.failures.find((failure) => failure.upgrade === upgrade)?.error;
  }

  /** @returns the first of them */
  seeErrorsOf(upgrade: Upgrade | undefined): unknown {
    if (upgrade === undefined) return undefined;
    const failures = this.failures.filter((failure) => failure.upgrade === upgrade);
    for (const failure of failures) failure.isSeen = true;
    return failures[0]?.error;
  }

  probe(more: Probe): Probe {
    return {
      clock: this.clock,
      run: (connection, body) => {
        const running = new RunningHandler(this, connection);
        this.running.add(running);
        this.connections.push(connection);
        this.#byConnection.set(connection, running);
        const done = owners.run(running, body);
        const end = (): void => running.end();
        done.then(end, end);
        return done;
      },
      rest: (connection) => this.#byConnection.get(connection)?.rest(),
      wake: (connection, body) => {
        const running = this.#byConnection.get(connection);
        if (running === undefined) return body();
        running.leave();
        return owners.run(running, body);
      },
      called: (call) => currentRunning()?.note(call),
      enter: (call) => {
        const running = currentRunning();
        running?.enter(call);
        return running;
      },
      leave: (token) => (token as RunningHandler | undefined)?.leave(),
      failed: (error, context, upgrade) => {
        this.failures.push({ error, context, upgrade, isSeen: false });
      },
      ...more,
    };
  }
}

function currentRunning(): RunningHandler | undefined {
  const owner = owners.getStore();
  return owner instanceof RunningHandler ? owner : undefined;
}

const here = new URL('../..', import.meta.url).pathname;

/** A line of a stack inside channelbox says nothing to who uses it. */
export function isFramework(line: string): boolean {
  return (
    line.includes(`${here}src/`) ||
    line.includes(`${here}testing/`) ||
    line.includes('(node:') ||
    line.includes('at node:')
  );
}
