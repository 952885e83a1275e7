import type { SimConfig } from '../api/report.ts';
import type { Tape } from '../tape/tape.ts';
import { Queue, type Occurrence } from './queue.ts';
import { Recorder } from './record.ts';
import { atTurnEnd } from './turn.ts';

/** So many at one instant: it never comes to rest. */
const perInstantMax = 20_000;

export interface WorldOptions {
  readonly tape: Tape;
  readonly config?: SimConfig;
  /** Keeps the history. Default true; without it a run costs a third. */
  readonly keeps?: boolean;
  /** Whether calls that fail tell where they were made. Default true; every call that is answered later costs less without it. */
  readonly remembersSites?: boolean;
}

/** What holds the app's code while it runs: whose it is, so that the guard and the clock know. */
export interface AppContext {
  /** The node whose code runs. */
  readonly node: unknown;
  /** The connection that set it off. */
  readonly connection: unknown;
}

const clientCode: AppContext = { node: undefined, connection: undefined };

/** Somebody wrote within this event: what it wrote leaves when the event is over. */
export interface Flushable {
  flush(): void;
}

/**
 * Virtual time goes on here, and all that happens in it, one thing after the other. After each that reaches the app
 * the event loop comes round once, which ends promise chains and ticks of any depth; what reaches clients alone needs
 * no turn.
 */
export class World {
  nowMs: number = 0;
  /** The step that set off what happens now; 0: none. */
  cause: number = 0;
  /** Set while the app's code may run. */
  context: AppContext | undefined = undefined;
  /** Some of the app's promises were settled: it needs a turn. */
  needsTurn: boolean = false;
  readonly tape: Tape;
  readonly config: Required<SimConfig>;
  readonly record: Recorder;
  readonly remembersSites: boolean;
  /** Messages that have left and not arrived, calls that are not answered. */
  onItsWay: number = 0;
  /** After each event that reached the app. */
  afterApp: () => void = () => {};
  /** Of code that was called by a timer, say: nobody else sees it. */
  onThrown: (error: unknown) => void = () => {};
  hasEnded: boolean = false;
  isEndless: boolean = false;
  readonly #queue = new Queue();
  readonly #arrivals = new Map<number, (() => void)[]>();
  #dirty: Flushable[] = [];
  #turns: (() => boolean)[] = [];
  #atInstant = 0;
  #instantMs = -1;

  constructor({ tape, config = {}, keeps = true, remembersSites = true }: WorldOptions) {
    this.tape = tape;
    this.remembersSites = remembersSites;
    this.record = new Recorder({ keeps });
    this.config = { latencyMs: 1, windowBytes: 65_536, chunks: false, acceptsNow: false, layerMs: 1, ...config };
  }

  /** At `afterMs` from now: what the app does not see. */
  later(afterMs: number, run: () => void): Occurrence {
    return this.#queue.put(this.nowMs + afterMs, this.cause, run, false);
  }

  /** The same, in one with all else that arrives at that instant: cheap, and cannot be taken back. */
  arrive(afterMs: number, run: () => void): void {
    const atMs = this.nowMs + afterMs;
    const runs = this.#arrivals.get(atMs);
    if (runs !== undefined) {
      runs.push(run);
      return;
    }
    const all = [run];
    this.#arrivals.set(atMs, all);
    this.later(afterMs, () => {
      this.#arrivals.delete(atMs);
      for (const each of all) each();
    });
  }

  /** At `afterMs` from now: what may run the app's code. */
  reach(afterMs: number, run: () => void, cause: number = this.cause): Occurrence {
    return this.#queue.put(this.nowMs + afterMs, cause, run, true);
  }

  /** Lets what was written leave at the end of this event. */
  flushAtEnd(writer: Flushable): void {
    this.#dirty.push(writer);
  }

  /** For a turn of an app that began in this event: it ends with it. */
  endWithEvent(end: () => boolean): void {
    this.#turns.push(end);
  }

  /** Lets all happen that is due by then. */
  async runUntil(untilMs: number): Promise<void> {
    while (!this.hasEnded) {
      const next = this.#queue.take(untilMs);
      if (next === undefined) break;
      if (this.#isStuck(next.atMs)) return;
      this.nowMs = next.atMs;
      this.cause = next.cause;
      this.#attempt(next.run);
      if (next.reachesApp || this.needsTurn || this.#turns.length > 0) {
        // As `settle` does it; one promise less for each event is worth writing it twice.
        this.context ??= clientCode;
        do {
          this.needsTurn = false;
          await new Promise(atTurnEnd);
          if (this.#turns.length > 0) this.#endTurns();
          this.#flush();
        } while (this.needsTurn);
        this.#hasSettled();
      } else if (this.#dirty.length > 0) this.#flush();
    }
    if (!this.hasEnded && Number.isFinite(untilMs)) this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** Does something now, from outside of any event, and lets it settle where it reaches the app. */
  async perform(cause: number, run: () => void, reachesApp = false): Promise<void> {
    this.cause = cause;
    this.#attempt(run);
    if (reachesApp || this.needsTurn || this.#turns.length > 0) await this.settle();
    else this.#flush();
  }

  /** Until the app waits for something that has yet to happen. */
  async settle(): Promise<void> {
    this.context ??= clientCode;
    do {
      this.needsTurn = false;
      await new Promise(atTurnEnd);
      if (this.#turns.length > 0) this.#endTurns();
      this.#flush();
    } while (this.needsTurn);
    this.#hasSettled();
  }

  #hasSettled(): void {
    this.context = undefined;
    this.afterApp();
  }

  /** Runs what a client itself does: chance and time must come from the run there too. */
  asClient<T>(run: () => T): T {
    const before = this.context;
    this.context = clientCode;
    try {
      return run();
    } finally {
      this.context = before;
    }
  }

  /** How many are waiting to happen, cancelled ones included. */
  get waiting(): number {
    return this.#queue.size;
  }

  #attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.onThrown(error);
    }
  }

  #endTurns(): void {
    const ends = this.#turns;
    this.#turns = [];
    this.#attempt(() => {
      for (const end of ends) if (end()) this.needsTurn = true;
    });
  }

  #flush(): void {
    while (this.#dirty.length > 0) {
      const writers = this.#dirty;
      this.#dirty = [];
      for (const writer of writers) writer.flush();
    }
  }

  #isStuck(atMs: number): boolean {
    if (atMs === this.#instantMs) this.#atInstant += 1;
    else {
      this.#instantMs = atMs;
      this.#atInstant = 0;
    }
    if (this.#atInstant < perInstantMax) return false;
    this.isEndless = true;
    this.hasEnded = true;
    return true;
  }
}
