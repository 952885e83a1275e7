/**
 * Virtual time sees this of an app: a handler that is inside no promise of ours, or an app that never comes to rest.
 */
export interface Busy {
  /** Real milliseconds: since when, or since its last call into the framework. */
  busySince: number;
  /** It was given its real time, and time moves on without it. */
  isGivenUp: boolean;
  describe(): string;
}

/** An app under test as its clock's driver sees it. */
export interface WatchedApp {
  /** Something is on its way between the two ends. */
  readonly inFlight: boolean;
  readonly busy: Iterable<Busy>;
  /** The app as a whole, for where frames pass without end. */
  readonly restless: Busy;
  readonly watchdogMs: number;
  /** More frames have come than a test reads: it is not waited for their end. */
  readonly isFlooded: boolean;
  readonly hasUnseenError: boolean;
  /** The first error that nobody has seen, without those that somebody is about to report; it is seen now. */
  takeError(reported: ReadonlySet<unknown>): { readonly error: unknown } | undefined;
}

/** The part of a clock that its driver moves. */
export interface MovableClock {
  monotonic(): number;
  readonly nextDueMs: number | undefined;
  fireNext(): void;
  moveTo(monotonicMs: number): void;
}

/** One waiting call of a test. */
export interface Wait {
  readonly activity: WatchedApp;
  /** Virtual, monotonic. */
  readonly deadlineMs: number;
  /** Whether an error of the app rejects it; the others report the error as their result. */
  readonly takesErrors: boolean;
  /** The connection whose error would be this call's result: nobody else is told of it meanwhile. */
  readonly subject?: unknown;
  /** A schema has not answered yet. */
  readonly isThinking?: boolean;
  /** What is there decides it. True: it is decided. */
  poll(): boolean;
  /** At rest, its time used up: it is decided now. */
  expire(parked: readonly Busy[]): void;
  refuse(error: unknown): void;
}

export interface ClockMove {
  readonly call: string;
  /** How far it goes from where it begins to lead; `'next'`: one timer. */
  readonly byMs: number | 'next';
  readonly resolve: (hasMoved: boolean) => void;
  readonly reject: (error: unknown) => void;
  /** Whose errors reject it; the clock's own calls take none. */
  readonly activity?: WatchedApp | undefined;
  /** Decides it early. True: it is decided. */
  readonly poll?: (() => boolean) | undefined;
  /** Real milliseconds that parked handlers are given, and then accepted. */
  readonly realMs?: number | undefined;
  /** All of `realMs` passes, parked handlers or not. */
  readonly waitsOut?: boolean | undefined;
  /** Its time has come, and these are parked: false where that matters nothing to it. */
  readonly doubt?: ((parked: readonly Busy[]) => boolean) | undefined;
}
