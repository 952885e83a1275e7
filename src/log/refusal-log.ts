import type { RefusalReason } from '../protocol/counters.ts';
import type { Deadline } from '../time/deadlines.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { AppLog } from './app-log.ts';

/** Of one reason, so many are written out in a second; the others in one line when it is over. */
const writtenMax = 10;
const windowMs = 1_000;

/** One handshake that was refused. */
export interface RefusalEntry {
  /** Undefined where nobody was there any more to be answered. */
  readonly status: number | undefined;
  /** Without its query, which may hold what is nobody else's business. */
  readonly path: string;
  readonly client: { readonly host: string; readonly port: number };
  /** The values that disagreed. */
  readonly values?: object;
}

/** Nothing is refused in silence: each refusal is one entry at level info, and a flood of them is told in words. */
export class RefusalLog {
  readonly #scheduler: Scheduler;
  readonly #log: AppLog;
  readonly #windows = new Map<RefusalReason, Window>();

  constructor(scheduler: Scheduler, log: AppLog) {
    this.#scheduler = scheduler;
    this.#log = log;
  }

  note(reason: RefusalReason, { status, path, client, values }: RefusalEntry): void {
    const { clock, deadlines } = this.#scheduler;
    const nowMs = clock.monotonic();
    let window = this.#windows.get(reason);
    if (window === undefined || nowMs >= window.dueMs) {
      window?.tellRest();
      window = new Window(nowMs + windowMs, (count) => this.#tellRest(reason, count));
      this.#windows.set(reason, window);
    }
    window.count += 1;
    if (window.count <= writtenMax) {
      const answer = status === undefined ? {} : { status };
      this.#log.write('info', `handshake refused: ${reason}`, { reason, ...answer, path, client, ...values });
    } else deadlines.schedule(window);
  }

  #tellRest(reason: RefusalReason, count: number): void {
    this.#log.write('info', `handshake refused: ${reason} … and ${count} more in the last second`, { reason, count });
  }
}

/** One second of one reason. */
class Window implements Deadline {
  readonly dueMs: number;
  heapIndex = -1;
  count = 0;
  readonly #tell: (count: number) => void;

  constructor(dueMs: number, tell: (count: number) => void) {
    this.dueMs = dueMs;
    this.#tell = tell;
  }

  onDue(): void {
    this.tellRest();
  }

  tellRest(): void {
    const rest = this.count - writtenMax;
    this.count = 0;
    if (rest > 0) this.#tell(rest);
  }
}
