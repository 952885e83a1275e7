import type { Busy, Driven } from '../time/watched-app.ts';
import type { ErrorContext, Probe, Upgrade, Visit } from '../../src/index.ts';
import { callerLines, originOf, owners, type Owner, type TestClock } from '../time/clock.ts';

const { performance } = globalThis;

/** A handler that runs, as far as the kit can see: in a promise of ours it is quiet, anywhere else it is busy. */
export class Running implements Owner, Busy {
  readonly visit: Visit;
  busySince: number = performance.now();
  /** It was given its real time, and time moves on without it. */
  isGivenUp = false;
  readonly #session: Session;
  #depth = 0;
  #hasEnded = false;
  #lastCall = 'none yet';
  #origin: { stack?: string } = nowhere;

  constructor(session: Session, visit: Visit) {
    this.#session = session;
    this.visit = visit;
    session.busy.add(this);
  }

  enter(call: string): void {
    this.note(call);
    this.#depth += 1;
    if (this.#depth === 1) this.#session.busy.delete(this);
  }

  /** A consumer between two frames: no line of its own code waits. */
  rest(): void {
    this.#lastCall = 'none since its frame came';
    this.#origin = nowhere;
    this.#depth += 1;
    if (this.#depth === 1) this.#session.busy.delete(this);
  }

  leave(): void {
    this.#depth -= 1;
    if (this.#depth > 0 || this.#hasEnded) return;
    this.#wake();
    this.#session.busy.add(this);
  }

  /** It called the framework: it is alive. */
  note(call: string): void {
    this.#lastCall = call;
    this.#origin = originOf(this.note);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#session.busy.delete(this);
    this.#session.running.delete(this);
  }

  belongsTo(session: Session): boolean {
    return this.#session === session;
  }

  get place(): string {
    const { route, upgrade, hook, id } = this.visit;
    return placeOf({ route: route ?? upgrade.url.pathname, hook, connection: id }, this.#session.nameOf(upgrade));
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
class Restless implements Busy {
  readonly busySince = 0;
  isGivenUp = false;

  describe(): string {
    return 'the app itself: something is on its way between it and its clients, again and again, without end';
  }
}

/** Route, hook and connection, as a message names them. */
export function placeOf({ route, hook, connection }: ErrorContext, name: string | undefined): string {
  return `${route ?? 'no route'}, ${hook}, connection ${connection}${name === undefined ? '' : ` of ${name}`}`;
}

export interface Failure {
  readonly error: unknown;
  readonly context: ErrorContext;
  readonly upgrade: Upgrade;
  isSeen: boolean;
}

/** What the kit knows of one app under test: who runs, who failed, what is on its way. */
export class Session implements Driven {
  readonly clock: TestClock;
  readonly watchdogMs: number;
  readonly restless: Busy = new Restless();
  readonly busy: Set<Running> = new Set();
  readonly running: Set<Running> = new Set();
  readonly failures: Failure[] = [];
  readonly visits: Visit[] = [];
  readonly #byVisit = new Map<Visit, Running>();
  /** Everything on its way between the two ends. */
  isInFlight: () => boolean = () => false;
  /** Of the client that asked so. */
  nameOf: (upgrade: Upgrade) => string | undefined = () => undefined;

  constructor(clock: TestClock, watchdogMs: number) {
    this.clock = clock;
    this.watchdogMs = watchdogMs;
  }

  get inFlight(): boolean {
    return this.isInFlight();
  }

  get hasUnseenError(): boolean {
    return this.failures.some((failure) => !failure.isSeen);
  }

  takeError(reported: ReadonlySet<unknown>): { readonly error: unknown } | undefined {
    const failure = this.failures.find(({ isSeen, upgrade }) => !isSeen && !reported.has(upgrade));
    if (failure !== undefined) failure.isSeen = true;
    return failure;
  }

  /** The first of one connection, seen or not. */
  errorOf(upgrade: Upgrade | undefined): unknown {
    return this.failures.find((failure) => failure.upgrade === upgrade)?.error;
  }

  /** @returns the first of them */
  seeErrorsOf(upgrade: Upgrade | undefined): unknown {
    const failures = this.failures.filter((failure) => failure.upgrade === upgrade);
    for (const failure of failures) failure.isSeen = true;
    return failures[0]?.error;
  }

  probe(more: Probe): Probe {
    return {
      clock: this.clock,
      run: (visit, body) => {
        const running = new Running(this, visit);
        this.running.add(running);
        this.visits.push(visit);
        this.#byVisit.set(visit, running);
        const done = owners.run(running, body);
        const end = (): void => running.end();
        done.then(end, end);
        return done;
      },
      rest: (visit) => this.#byVisit.get(visit)?.rest(),
      wake: (visit, body) => {
        const running = this.#byVisit.get(visit);
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
      leave: (token) => (token as Running | undefined)?.leave(),
      failed: (error, context, upgrade) => {
        this.failures.push({ error, context, upgrade, isSeen: false });
      },
      ...more,
    };
  }
}

function currentRunning(): Running | undefined {
  const owner = owners.getStore();
  return owner instanceof Running ? owner : undefined;
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
