import { LimitError } from '../errors.ts';
import type { Deadline } from '../time/deadlines.ts';
import type { Scheduler } from '../time/scheduler.ts';

/** Beyond it nobody means seconds: the year 5138. Milliseconds of today are. */
const secondsMax = 1e11;

/** The wall clock may jump while a timer waits, so it is looked at again, the more often the nearer the time is. */
const stepMsMin = 1_000;
const stepMsMax = 60_000;

/** A connection ends at a time of the wall clock, where one is set. */
export class CloseTime implements Deadline {
  dueMs: number = Infinity;
  heapIndex: number = -1;
  readonly #scheduler: Scheduler;
  readonly #atMs: number;
  readonly #end: () => void;

  /** @param unixSeconds as `ws.closeAt` was given it, and checked */
  constructor(scheduler: Scheduler, unixSeconds: number, end: () => void) {
    this.#scheduler = scheduler;
    // A clock of whole milliseconds reaches no fraction of one.
    this.#atMs = Math.round(unixSeconds * 1000);
    this.#end = end;
  }

  /** Ends it at once where the time has come, else waits for it. */
  start(): void {
    const { clock, deadlines } = this.#scheduler;
    const leftMs = this.#atMs - clock.now();
    if (leftMs <= 0) return this.#end();
    const stepMs = Math.min(leftMs, Math.max(stepMsMin, Math.min(stepMsMax, leftMs / 64)));
    this.dueMs = clock.monotonic() + Math.ceil(stepMs);
    deadlines.schedule(this);
  }

  onDue(): void {
    this.start();
  }

  cancel(): void {
    this.#scheduler.deadlines.cancel(this);
  }
}

/** @throws {LimitError} `CHANNELBOX_CLOSE_AT` for what is no time in seconds */
export function checkCloseTime(unixSeconds: number): void {
  if (typeof unixSeconds === 'number' && Math.abs(unixSeconds) <= secondsMax) return;
  throw new LimitError(
    'CHANNELBOX_CLOSE_AT',
    `closeAt(${String(unixSeconds)}): allowed are Unix seconds up to ${secondsMax}, or null for never; a Date is date.getTime() / 1000`,
  );
}
