import type { Busy, WatchedApp, MovableClock, ClockMove, Wait } from './watched-app.ts';
import { Deferred, type FailedCall } from './observed-promise.ts';
import { Sleepers, type Sleeper } from './sleepers.ts';

// Kept from before fake timers, ours or a runner's, can replace them: rest is decided in real turns.
const { setImmediate, setTimeout, performance } = globalThis;

/** A mover whose turn it is. */
class Lead {
  readonly mover: ClockMove;
  readonly targetMs: number;
  readonly startedAt: number = performance.now();
  hasFired = false;

  constructor(mover: ClockMove, targetMs: number) {
    this.mover = mover;
    this.targetMs = targetMs;
  }
}

/** Turns without rest, and their real time, before a pause is made between two: a loopback answers sooner. */
const restlessTurns = 20;
const spinMs = 0.5;
/** Of a turn's real time no more counts as patience: a process that the machine does not run has not waited. */
const turnMsMax = 5;
/** A handler that calls the framework again and again gets its real time anew, so many times in all. */
const restlessFactor = 4;
/** For an app that has once not come to rest in its real time. */
const givenUpMs = 5;

/**
 * Decides all waits of one clock, and alone moves it. Each turn: what is there decides; else, at rest, time goes one
 * step on. The verdict that nothing moves and the decision that follows from it are one synchronous stretch: whatever
 * a test does between them would otherwise be decided by a verdict from before.
 */
export class VirtualTime {
  readonly #clock: MovableClock;
  readonly #sessions = new Set<WatchedApp>();
  readonly #waits = new Set<Wait>();
  readonly #movers: ClockMove[] = [];
  readonly #sleepers = new Sleepers();
  #lead: Lead | undefined;
  #refusals: FailedCall[] = [];
  #isBusy = false;

  constructor(clock: MovableClock) {
    this.#clock = clock;
  }

  addSession(activity: WatchedApp): void {
    this.#sessions.add(activity);
  }

  removeSession(activity: WatchedApp): void {
    this.#sessions.delete(activity);
    // Whatever sleeps on is a loop of somebody's, and no test's body waits for it.
    if (this.#sessions.size === 0) this.#sleepers.clear();
  }

  addWait(wait: Wait): void {
    this.#waits.add(wait);
    this.#start();
  }

  addMover(mover: ClockMove): void {
    this.#movers.push(mover);
    this.#start();
  }

  /** For the clock's own calls. */
  lead<T>(call: string, byMs: ClockMove['byMs'], valueOf: (hasMoved: boolean) => T): Promise<T> {
    const { promise, resolve, reject } = new Deferred<T>();
    this.addMover({
      call,
      byMs,
      resolve: (hasMoved) => resolve(valueOf(hasMoved)),
      reject: (error) => {
        this.#refusals.push({ error, promise });
        reject(error);
      },
    });
    return promise;
  }

  /** What the clock's own calls were refused with since it was last asked. */
  takeRefusals(): readonly FailedCall[] {
    const refusals = this.#refusals;
    this.#refusals = [];
    return refusals;
  }

  /** Decides what still waits for an app, as its test has ended. */
  expireAll(activity: WatchedApp): void {
    for (const wait of this.#waits) {
      if (wait.activity !== activity) continue;
      this.#waits.delete(wait);
      wait.expire([]);
    }
  }

  /** @returns how to forget it again */
  addSleeper(sleeper: Sleeper): () => void {
    return this.#sleepers.add(sleeper);
  }

  #start(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#sleepers.hold();
    void this.#run();
  }

  async #run(): Promise<void> {
    let lastTurnAt = performance.now();
    let spentMs = 0;
    let restlessCount = 0;
    // In one stretch with the end: a wait that came between the two would be nobody's.
    while (this.#waits.size > 0 || this.#movers.length > 0 || this.#lead !== undefined) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      const now = performance.now();
      spentMs += Math.min(now - lastTurnAt, turnMsMax);
      this.#forgive(lastTurnAt, now);
      lastTurnAt = now;
      if (this.#decide(spentMs)) {
        spentMs = 0;
        restlessCount = 0;
        continue;
      }
      const parked = this.#parkedAtRest(now, spentMs);
      if (parked === undefined) {
        restlessCount += 1;
        if (restlessCount > restlessTurns && spentMs > spinMs) {
          await new Promise<void>((resolve) => {
            setTimeout(resolve, 1);
          });
        }
        continue;
      }
      this.#step(parked);
      spentMs = 0;
      restlessCount = 0;
    }
    this.#isBusy = false;
    this.#sleepers.release();
  }

  /** Real time in which this process was not run is no handler's either: its timers were as late as ours. */
  #forgive(lastTurnAt: number, now: number): void {
    const lostMs = now - lastTurnAt - turnMsMax;
    if (lostMs <= 0) return;
    for (const activity of this.#sessions) {
      for (const running of activity.busy) {
        // Who woke within this turn has had no more of it than a turn counts.
        if (running.busySince <= lastTurnAt) running.busySince += lostMs;
        else running.busySince = Math.max(running.busySince, now - turnMsMax);
      }
    }
  }

  /** What is there decides: frames first, then errors that nobody has seen. */
  #decide(spentMs: number): boolean {
    let isDecided = false;
    for (const wait of this.#waits) {
      // Decided at rest, so that what a frame or a close set off has happened when the test goes on.
      if (this.#isMoving(wait.activity, spentMs) || !wait.poll()) continue;
      this.#waits.delete(wait);
      isDecided = true;
    }
    const lead = this.#nextLead();
    if (lead?.mover.poll?.() === true) {
      this.#lead = undefined;
      isDecided = true;
    }
    for (const activity of this.#sessions) {
      if (!activity.hasUnseenError) continue;
      // What left before the error shall be there before it.
      if (this.#isMoving(activity, spentMs)) continue;
      if (this.#tellError(activity)) isDecided = true;
    }
    return isDecided;
  }

  /** Something is on its way, and has not been for ever. */
  #isMoving(activity: WatchedApp, spentMs: number): boolean {
    const { restless, watchdogMs } = activity;
    return !activity.isFlooded && activity.inFlight && spentMs < (restless.isGivenUp ? givenUpMs : watchdogMs);
  }

  /** An error rejects every call of its app that waits and takes errors, at once. */
  #tellError(activity: WatchedApp): boolean {
    const waits = [...this.#waits].filter((wait) => wait.activity === activity && wait.takesErrors);
    const movers = this.#movers.filter((mover) => mover.activity === activity);
    const lead = this.#lead?.mover.activity === activity ? this.#lead.mover : undefined;
    if (waits.length === 0 && movers.length === 0 && lead === undefined) return false;
    const reported = new Set<unknown>();
    for (const wait of this.#waits) if (!wait.takesErrors && wait.subject !== undefined) reported.add(wait.subject);
    const taken = activity.takeError(reported);
    if (taken === undefined) return false;
    const { error } = taken;
    for (const wait of waits) {
      this.#waits.delete(wait);
      wait.refuse(error);
    }
    for (const mover of movers) {
      this.#movers.splice(this.#movers.indexOf(mover), 1);
      mover.reject(error);
    }
    if (lead !== undefined) {
      this.#lead = undefined;
      lead.reject(error);
    }
    return true;
  }

  /** Who is parked, once all else rests; undefined while something still moves. */
  #parkedAtRest(now: number, spentMs: number): Busy[] | undefined {
    const lead = this.#lead;
    const realMs = lead?.mover.realMs;
    const realLeftMs = lead === undefined || realMs === undefined ? 0 : realMs - (now - lead.startedAt);
    if (realLeftMs > 0 && lead?.mover.waitsOut === true) return undefined;
    const parked: Busy[] = [];
    for (const activity of this.#sessions) {
      const { restless, watchdogMs } = activity;
      let isRestless = activity.inFlight;
      if (isRestless && spentMs < (restless.isGivenUp ? givenUpMs : watchdogMs)) return undefined;
      let isQuiet = !isRestless;
      for (const running of activity.busy) {
        isQuiet = false;
        parked.push(running);
        if (realMs !== undefined) {
          if (realLeftMs > 0) return undefined;
        } else if (!running.isGivenUp) {
          if (now - running.busySince >= watchdogMs) running.isGivenUp = true;
          else if (spentMs < (restless.isGivenUp ? givenUpMs : watchdogMs * restlessFactor)) return undefined;
          else isRestless = true;
        }
      }
      if (isRestless) parked.push(restless);
      if (isRestless || isQuiet) restless.isGivenUp = isRestless;
    }
    for (const wait of this.#waits) {
      if (wait.isThinking === true && spentMs < wait.activity.watchdogMs) return undefined;
    }
    return parked;
  }

  #nextLead(): Lead | undefined {
    if (this.#lead !== undefined) return this.#lead;
    const mover = this.#movers.shift();
    if (mover === undefined) return undefined;
    const targetMs = mover.byMs === 'next' ? Infinity : this.#clock.monotonic() + mover.byMs;
    this.#lead = new Lead(mover, targetMs);
    return this.#lead;
  }

  /** At rest: time goes one step on, or, where it has come far enough, somebody is decided. */
  #step(parked: readonly Busy[]): void {
    if (this.#lead === undefined) this.#stepForWaits(parked);
    else this.#stepForLead(this.#lead, parked);
  }

  #stepForLead(lead: Lead, parked: readonly Busy[]): void {
    const { mover, targetMs, hasFired } = lead;
    const isDone = mover.byMs === 'next' && hasFired;
    if (!isDone && this.#isDueBy(targetMs)) {
      lead.hasFired = true;
      this.#fire((error) => {
        this.#lead = undefined;
        mover.reject(error);
      });
      return;
    }
    this.#lead = undefined;
    if (mover.byMs === 'next') return mover.resolve(hasFired);
    this.#clock.moveTo(targetMs);
    if (parked.length === 0 || mover.realMs !== undefined || mover.doubt?.(parked) !== true) mover.resolve(true);
  }

  #stepForWaits(parked: readonly Busy[]): void {
    let earliest: Wait | undefined;
    for (const wait of this.#waits) {
      if (earliest === undefined || wait.deadlineMs < earliest.deadlineMs) earliest = wait;
    }
    if (earliest === undefined) return;
    const { deadlineMs } = earliest;
    if (this.#isDueBy(deadlineMs)) {
      this.#fire((error) => {
        this.#waits.delete(earliest);
        earliest.refuse(error);
      });
      return;
    }
    this.#clock.moveTo(deadlineMs);
    for (const wait of this.#waits) {
      if (wait.deadlineMs > deadlineMs) continue;
      this.#waits.delete(wait);
      wait.expire(parked);
    }
  }

  #isDueBy(monotonicMs: number): boolean {
    const { nextDueMs } = this.#clock;
    return nextDueMs !== undefined && nextDueMs <= monotonicMs;
  }

  #fire(onError: (error: unknown) => void): void {
    try {
      this.#clock.fireNext();
    } catch (error) {
      onError(error);
    }
  }
}
