import { Seen } from './seen.ts';

// Kept from before fake timers, ours or a runner's, can replace them: rest is decided in real turns.
const { setImmediate, setTimeout, performance } = globalThis;

/** A handler that is inside no promise of ours. */
export interface Busy {
  /** Real milliseconds: since when, or since its last call into the framework. */
  readonly busySince: number;
  /** It was given its real time, and time moves on without it. */
  isGivenUp: boolean;
  describe(): string;
}

/** An app under test as its clock's driver sees it. */
export interface Driven {
  readonly inFlight: boolean;
  readonly busy: Iterable<Busy>;
  readonly watchdogMs: number;
  readonly hasUnseenError: boolean;
  takeError(): unknown;
}

/** The part of a clock that its driver moves. */
export interface Movable {
  monotonic(): number;
  readonly nextDueMs: number | undefined;
  fireNext(): void;
  moveTo(monotonicMs: number): void;
}

/** One waiting call of a test. */
export interface Wait {
  readonly session: Driven;
  /** Virtual, monotonic. */
  readonly deadlineMs: number;
  /** Whether an error of the app rejects it; the others report the error as their result. */
  readonly takesErrors: boolean;
  /** What is there decides it. True: it is decided. */
  poll(): boolean;
  /** At rest, its time used up. True: it is decided. */
  expire(parked: readonly Busy[]): boolean;
  refuse(error: unknown): void;
}

export interface Mover {
  readonly call: string;
  /** How far it goes from where it begins to lead; Infinity: one timer. */
  readonly byMs: number;
  readonly resolve: (hasMoved: boolean) => void;
  readonly reject: (error: unknown) => void;
  readonly session?: Driven | undefined;
  /** Decides it early. True: it is decided. */
  readonly poll?: (() => boolean) | undefined;
  /** Real milliseconds that parked handlers are given, and then accepted. */
  readonly realMs?: number | undefined;
  /** Says that it cannot tell, where handlers are parked. */
  readonly cannotTell?: ((parked: readonly Busy[]) => Error) | undefined;
}

interface Lead extends Mover {
  targetMs: number;
  startedAt: number;
}

interface Sleeper {
  isAwaited(): boolean;
  refuse(): void;
}

const restlessTurns = 20;
const sleeperPatienceMs = 1_000;

/**
 * Decides all waits of one clock, and alone moves it. Each turn: what is there decides; else, at rest, time goes one
 * step on. The verdict that nothing moves and the decision that follows from it are one synchronous stretch: whatever
 * a test does between them would otherwise be decided by a verdict from before.
 */
export class Driver {
  readonly #clock: Movable;
  readonly #sessions = new Set<Driven>();
  #waits: Wait[] = [];
  #movers: Mover[] = [];
  #lead: Lead | undefined;
  readonly #sleepers = new Set<Sleeper>();
  #isBusy = false;

  constructor(clock: Movable) {
    this.#clock = clock;
  }

  addSession(session: Driven): void {
    this.#sessions.add(session);
  }

  removeSession(session: Driven): void {
    this.#sessions.delete(session);
  }

  addWait(wait: Wait): void {
    this.#waits.push(wait);
    this.#start();
  }

  addMover(mover: Mover): void {
    this.#movers.push(mover);
    this.#start();
  }

  /** For the clock's own calls. */
  lead(call: string, _fromMs: number, byMs: number, above: (...args: never[]) => unknown): Promise<boolean> {
    void above;
    return new Seen<boolean>((resolve, reject) => this.addMover({ call, byMs, resolve, reject }));
  }

  /** @returns how to forget it again */
  addSleeper(sleeper: Sleeper): () => void {
    this.#sleepers.add(sleeper);
    this.#start();
    return () => this.#sleepers.delete(sleeper);
  }

  #start(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    let since = performance.now();
    let idleTurns = 0;
    for (;;) {
      if (this.#isIdle) {
        // In one stretch with the look: a wait that came between the two would be nobody's.
        if (this.#sleepers.size === 0) {
          this.#isBusy = false;
          return;
        }
        await this.#mindSleepers();
        since = performance.now();
        continue;
      }
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      this.#nextLead();
      if (this.#decide()) {
        since = performance.now();
        idleTurns = 0;
        continue;
      }
      const parked = this.#parkedAtRest(since);
      if (parked === undefined) {
        idleTurns += 1;
        if (idleTurns > restlessTurns) {
          await new Promise<void>((resolve) => {
            setTimeout(resolve, 1);
          });
        }
        continue;
      }
      idleTurns = 0;
      this.#step(parked);
      since = performance.now();
    }
  }

  get #isIdle(): boolean {
    return this.#waits.length === 0 && this.#movers.length === 0 && this.#lead === undefined;
  }

  /** What is there decides: frames first, then errors that nobody has seen. */
  #decide(): boolean {
    let isDecided = false;
    for (const wait of [...this.#waits]) {
      if (!this.#waits.includes(wait)) continue;
      if (wait.poll()) {
        this.#drop(wait);
        isDecided = true;
      }
    }
    if (this.#lead?.poll?.() === true) {
      this.#lead = undefined;
      isDecided = true;
    }
    for (const session of this.#sessions) if (this.#tellErrors(session)) isDecided = true;
    return isDecided;
  }

  /** An error rejects every call of its app that waits and takes errors, at once. */
  #tellErrors(session: Driven): boolean {
    if (!session.hasUnseenError) return false;
    const takers = this.#waits.filter((wait) => wait.session === session && wait.takesErrors);
    const lead = this.#lead?.session === session ? this.#lead : undefined;
    if (takers.length === 0 && lead === undefined) return false;
    const error = session.takeError();
    for (const wait of takers) {
      this.#drop(wait);
      wait.refuse(error);
    }
    if (lead !== undefined) {
      this.#lead = undefined;
      lead.reject(error);
    }
    return true;
  }

  /** Handlers that are parked, once all else rests; undefined while something still moves. */
  #parkedAtRest(since: number): Busy[] | undefined {
    const now = performance.now();
    const lead = this.#nextLead();
    const parked: Busy[] = [];
    for (const session of this.#sessions) {
      if (session.inFlight && now - since < session.watchdogMs) return undefined;
      for (const running of session.busy) {
        if (lead?.realMs !== undefined) {
          if (now - lead.startedAt < lead.realMs) return undefined;
        } else if (!running.isGivenUp) {
          if (now - running.busySince < session.watchdogMs) return undefined;
          running.isGivenUp = true;
        }
        parked.push(running);
      }
    }
    return parked;
  }

  #nextLead(): Lead | undefined {
    if (this.#lead !== undefined) return this.#lead;
    const mover = this.#movers.shift();
    if (mover === undefined) return undefined;
    this.#lead = { ...mover, targetMs: this.#clock.monotonic() + mover.byMs, startedAt: performance.now() };
    return this.#lead;
  }

  /** At rest: time goes one step on, or, where it has come far enough, somebody is decided. */
  #step(parked: readonly Busy[]): void {
    const lead = this.#nextLead();
    if (lead !== undefined) this.#stepFor(lead, parked);
    else this.#stepForWaits(parked);
  }

  #stepFor(lead: Lead, parked: readonly Busy[]): void {
    const { nextDueMs } = this.#clock;
    const isNext = lead.byMs === Infinity;
    if (nextDueMs !== undefined && nextDueMs <= lead.targetMs && lead.byMs >= 0) {
      // `next` is done with the timer that it fired, and with what that set off.
      if (isNext) lead.targetMs = -Infinity;
      this.#fire((error) => {
        this.#lead = undefined;
        lead.reject(error);
      });
      return;
    }
    this.#lead = undefined;
    if (isNext) return lead.resolve(lead.targetMs === -Infinity);
    this.#clock.moveTo(lead.targetMs);
    const isDoubtful = parked.length > 0 && lead.cannotTell !== undefined && lead.realMs === undefined;
    if (isDoubtful) lead.reject(lead.cannotTell?.(parked));
    else lead.resolve(true);
  }

  #stepForWaits(parked: readonly Busy[]): void {
    const deadlineMs = Math.min(...this.#waits.map((wait) => wait.deadlineMs));
    const { nextDueMs } = this.#clock;
    if (nextDueMs !== undefined && nextDueMs <= deadlineMs) {
      this.#fire((error) => {
        const earliest = this.#waits.find((wait) => wait.deadlineMs === deadlineMs);
        if (earliest === undefined) return;
        this.#drop(earliest);
        earliest.refuse(error);
      });
      return;
    }
    if (deadlineMs !== Infinity) this.#clock.moveTo(deadlineMs);
    for (const wait of [...this.#waits]) {
      if (wait.deadlineMs <= deadlineMs && this.#waits.includes(wait) && wait.expire(parked)) this.#drop(wait);
    }
  }

  #fire(onError: (error: unknown) => void): void {
    try {
      this.#clock.fireNext();
    } catch (error) {
      onError(error);
    }
  }

  #drop(wait: Wait): void {
    this.#waits = this.#waits.filter((other) => other !== wait);
  }

  /** Sleeps of the test's own body that nobody will end: they are told after a while in which nothing else waits. */
  async #mindSleepers(): Promise<void> {
    const since = performance.now();
    while (this.#isIdle && this.#sleepers.size > 0) {
      if (performance.now() - since > sleeperPatienceMs) {
        for (const sleeper of [...this.#sleepers]) {
          if (!sleeper.isAwaited()) continue;
          this.#sleepers.delete(sleeper);
          sleeper.refuse();
        }
      }
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 5).unref();
      });
    }
  }
}
