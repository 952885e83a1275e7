import type { Deadline } from '../time/deadlines.ts';
import type { Wire } from '../transport/transport.ts';
import { RequestedSocket } from './requested.ts';
import type { SocketState } from './state.ts';

/** What a socket waits for: the accept, the next sign of life, or the peer's close. One deadline at a time. */
export abstract class TimedSocket extends RequestedSocket implements Deadline {
  /** Monotonic milliseconds of the last data frame in either direction, or of the accept; −1 before it. */
  lastDataMs: number = -1;
  heapIndex: number = -1;
  /** Sees each frame before anyone else; false refuses it. Set by a guard such as the rate limit. */
  guard: (() => boolean) | undefined = undefined;
  protected wire: Wire | undefined = undefined;
  protected phase: SocketState = 'pending';
  #waitsUntilMs = Infinity;
  #heardMs = 0;
  #pingedMs = 0;
  #stoppedReadingMs = -1;

  /** The handler has not answered in time. */
  protected abstract refuseLate(): void;

  get dueMs(): number {
    if (this.phase !== 'open') return this.#waitsUntilMs;
    if (this.#stoppedReadingMs >= 0) return Infinity;
    return this.#pingedMs > 0
      ? this.#pingedMs + this.limits.heartbeatTimeoutMs
      : this.#heardMs + this.limits.heartbeatMs;
  }

  onDue(nowMs: number): void {
    if (this.phase === 'pending') {
      this.refuseLate();
    } else if (this.phase === 'closing') {
      this.wire?.terminate();
    } else if (this.phase === 'open' && this.#pingedMs > 0) {
      this.host.count('heartbeatTimeouts');
      this.wire?.terminate();
    } else if (this.phase === 'open') {
      this.#pingedMs = nowMs;
      this.wire?.ping();
      this.scheduler.deadlines.schedule(this);
    }
  }

  heard(): boolean {
    const nowMs = this.scheduler.turn.stampMs();
    this.#lives(nowMs);
    if (this.guard !== undefined && !this.guard()) return false;
    this.lastDataMs = nowMs;
    return true;
  }

  heardPong(): void {
    this.#lives(this.scheduler.turn.stampMs());
  }

  reads(isReading: boolean): void {
    const nowMs = this.scheduler.turn.stampMs();
    if (!isReading) {
      this.#stoppedReadingMs = nowMs;
      return;
    }
    if (this.#pingedMs > 0) this.#pingedMs += nowMs - this.#stoppedReadingMs;
    this.#stoppedReadingMs = -1;
    this.scheduler.deadlines.schedule(this);
  }

  /** From here on the wait for `accept` is bounded. */
  startAcceptTimeout(): void {
    this.waitUntil(this.scheduler.clock.monotonic() + this.limits.acceptTimeoutMs);
  }

  /** It is open: from here on silence is measured. */
  protected startPulse(): void {
    this.#heardMs = this.lastDataMs = this.scheduler.turn.stampMs();
    this.scheduler.deadlines.schedule(this);
  }

  protected startCloseTimeout(): void {
    this.waitUntil(this.scheduler.clock.monotonic() + this.limits.closeTimeoutMs);
  }

  protected waitUntil(dueMs: number): void {
    this.#waitsUntilMs = dueMs;
    this.scheduler.deadlines.schedule(this);
  }

  /** A sign of life. Of a peer that was asked for one, the next silence may be over before the answer was due. */
  #lives(nowMs: number): void {
    this.#heardMs = nowMs;
    if (this.#pingedMs === 0) return;
    this.#pingedMs = 0;
    this.scheduler.deadlines.schedule(this);
  }
}
