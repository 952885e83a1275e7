import type { ErrorContext } from './probe.ts';
import type { Clock } from './time/clock.ts';
import type { Scheduler } from './time/scheduler.ts';
import { closeCode, trimReason } from './protocol/close-code.ts';

/** How fast an app lets its sockets go. */
export interface DrainOptions {
  /** For all of it, 30 000. */
  withinMs?: number;
  /** 1012, service restart. */
  code?: number;
  reason?: string;
  /** Sockets closed at once; default: so many that half of `withinMs` suffices, 100 at least. */
  batch?: number;
  /** A batch for each, 100; it leaves up to two fifths of it early, so that clients do not come back in step. */
  everyMs?: number;
}

/** What a drain has done. */
export interface DrainReport {
  /** Sockets that were told, and ended in time. */
  readonly closed: number;
  /** Sockets that were cut off at the end. */
  readonly terminated: number;
  readonly tookMs: number;
  /** Of the app's own functions, those that had not ended: they may run on, and nobody waits for them. */
  readonly running: readonly ErrorContext[];
}

interface Drainable {
  readonly isOpen: boolean;
  /** It is open, or may be let in yet: it had asked before the drain began. */
  readonly isJoinable: boolean;
  close(code: number, reason: string): Promise<void>;
  terminate(): void;
}

/** What is drained. */
export interface Drained {
  sockets(): ReadonlySet<Drainable>;
  /** How many of the app's own functions have not ended. */
  handlers(): number;
  /** Which of them are at it, and do not wait for a frame. */
  running(): ErrorContext[];
}

/**
 * Spreads what comes one after another evenly over 0 to 1, without chance: neighbours are far apart, and a run can be repeated.
 * @param count of those that came before
 */
export function spread(count: number): number {
  return (count * 0.618_033_988_749_894_9) % 1;
}

/** Closes an app's sockets batch by batch, so that their clients do not all come back in the same second. */
export class Drain {
  readonly #scheduler: Scheduler;
  readonly #sockets: () => ReadonlySet<Drainable>;
  readonly #handlers: () => number;
  readonly #running: () => ErrorContext[];
  #whenIdle: (() => void)[] = [];

  constructor(scheduler: Scheduler, { sockets, handlers, running }: Drained) {
    this.#scheduler = scheduler;
    this.#sockets = sockets;
    this.#handlers = handlers;
    this.#running = running;
  }

  /** Something has ended: is all of it over? */
  check(): void {
    if (this.#whenIdle.length === 0 || !this.#isIdle) return;
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const tell of waiting) tell();
  }

  async run(options: DrainOptions = {}): Promise<DrainReport> {
    const { withinMs = 30_000, code = closeCode.serviceRestart, everyMs = 100 } = options;
    const reason = trimReason(options.reason ?? '');
    const { clock } = this.#scheduler;
    const startMs = clock.monotonic();
    const total = this.#sockets().size;
    const steps = Math.max(1, Math.floor(withinMs / 2 / everyMs));
    const batch = options.batch ?? Math.max(100, Math.ceil(total / steps));
    const leftMs = (): number => startMs + withinMs - clock.monotonic();
    const told = new Set<Drainable>();
    for (let batches = 1; ; batches += 1) {
      const open = [...this.#sockets()].filter((socket) => socket.isOpen).slice(0, batch);
      for (const socket of open) {
        told.add(socket);
        void socket.close(code, reason);
      }
      const isMore = [...this.#sockets()].some((socket) => socket.isJoinable);
      // Up to two fifths early: what comes back shall not come in step.
      const pauseMs = startMs + everyMs * (batches - 0.4 * spread(batches)) - clock.monotonic();
      if (await this.#idleWithin(isMore ? Math.min(pauseMs, leftMs()) : leftMs())) break;
      if (leftMs() <= 0) break;
    }
    const running = this.#running();
    const rest = [...this.#sockets()];
    for (const socket of rest) {
      told.delete(socket);
      socket.terminate();
    }
    return { closed: told.size, terminated: rest.length, tookMs: clock.monotonic() - startMs, running };
  }

  get #isIdle(): boolean {
    return this.#sockets().size === 0 && this.#handlers() === 0;
  }

  /** A timer of its own keeps the process alive, as the deadlines do not. @returns whether all has ended by then */
  #idleWithin(waitMs: number): Promise<boolean> {
    if (this.#isIdle) return Promise.resolve(true);
    return new Promise((resolve) => {
      const { clock } = this.#scheduler;
      const onDue = (): void => {
        this.#whenIdle = this.#whenIdle.filter((tell) => tell !== whenIdle);
        resolve(false);
      };
      const timer = clock.setTimeout(onDue, Math.max(0, waitMs), 'channelbox drain');
      const whenIdle = (): void => {
        clock.clearTimeout(timer);
        resolve(true);
      };
      this.#whenIdle.push(whenIdle);
    });
  }
}

/** Waits for a promise, but no longer than that; the timer keeps the process alive. @returns whether it has resolved */
export async function within(clock: Clock, promise: Promise<unknown>, waitMs: number): Promise<boolean> {
  let stop = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    const timer = clock.setTimeout(() => resolve(false), waitMs, 'channelbox close');
    stop = () => clock.clearTimeout(timer);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    stop();
  }
}
