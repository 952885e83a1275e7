import { closeCode } from '../protocol/close-code.ts';
import type { Wire } from '../transport/transport.ts';
import { offence } from './ending.ts';
import type { InboxOwner } from './inbox-owner.ts';

/** Answers that a peer has not read, beyond which it asks in vain: bare ws takes as many. */
const unreadControlsMax = 60;
/** What a fragment costs besides its bytes. */
const fragmentCostBytes = 128;

/**
 * The pulse is what a peer shows of itself between its messages: silence, pings and pongs, the beginning of a message
 * whose end does not come.
 */
export class Pulse {
  readonly #owner: InboxOwner;
  /** A message that has begun and is not finished. */
  #unfinished: { sinceMs: number; bytes: number } | undefined = undefined;
  /** When the peer's control frames so far are all paid for. */
  #controlPaidMs = 0;
  #unreadControls = 0;
  #heardMs = 0;
  #pingedMs = 0;
  #stoppedReadingMs = -1;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  /** Of a message that has begun and is not finished, what its fragments cost included. */
  get unfinishedBytes(): number {
    return this.#unfinished?.bytes ?? 0;
  }

  /** When its silence falls due, for a ping or for good, or its unfinished message. While we do not read, neither means anything. */
  get dueMs(): number {
    if (this.#stoppedReadingMs >= 0) return Infinity;
    const { heartbeatMs, heartbeatTimeoutMs } = this.#owner.limits;
    const silenceMs = this.#pingedMs > 0 ? this.#pingedMs + heartbeatTimeoutMs : this.#heardMs + heartbeatMs;
    return Math.min(silenceMs, this.#messageDueMs);
  }

  get #messageDueMs(): number {
    return this.#unfinished === undefined ? Infinity : this.#unfinished.sinceMs + this.#owner.limits.messageTimeoutMs;
  }

  /** From here on silence is measured. */
  start(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#schedule();
  }

  /**
   * Its time has come: a message that did not end closes the socket, a silent peer is asked for a sign of life.
   * @returns false where it has been asked before, and gave none
   */
  isAlive(nowMs: number, wire: Wire | undefined): boolean {
    if (this.#messageDueMs <= nowMs) {
      this.#owner.breach(offence(`a message took more than ${this.#owner.limits.messageTimeoutMs} ms`));
      return true;
    }
    if (this.#pingedMs > 0) return false;
    this.#pingedMs = nowMs;
    wire?.ping();
    this.#schedule();
    return true;
  }

  /** A sign of life. Of a peer that was asked for one, the next silence may be over before the answer was due. */
  lives(nowMs: number): void {
    this.#heardMs = nowMs;
    if (this.#pingedMs === 0) return;
    this.#pingedMs = 0;
    this.#schedule();
  }

  /** A message is whole; the next one's beginning, if it came with it, is told after it. */
  finished(nowMs: number): void {
    if (this.#unfinished !== undefined) this.#begin(0, nowMs);
  }

  control(isUnread: boolean): void {
    const { limits, scheduler } = this.#owner;
    // What answers it was written past the outbox.
    this.#owner.host.stores.wrote(this.#owner);
    const nowMs = scheduler.turn.stampMs();
    const costMs = 1000 / limits.controlFramesPerSecond;
    this.#controlPaidMs = Math.max(this.#controlPaidMs, nowMs) + costMs;
    this.#unreadControls = isUnread ? this.#unreadControls + 1 : 0;
    const isFlood = this.#controlPaidMs - nowMs > 2 * limits.controlFramesPerSecond * costMs;
    if (isFlood || this.#unreadControls > unreadControlsMax) this.#owner.breach(offence('too many control frames'));
  }

  unfinished(bytes: number, fragments: number): void {
    const { limits, scheduler } = this.#owner;
    const costBytes = bytes + fragments * fragmentCostBytes;
    this.#begin(costBytes, scheduler.turn.stampMs());
    if (costBytes <= limits.inboundBytes) return;
    // What is too much of a message is its size, or the pieces that it comes in.
    const code = bytes > limits.inboundBytes ? closeCode.tooBig : closeCode.policyViolation;
    this.#owner.breach(offence(`an unfinished message of more than ${limits.inboundBytes} bytes`, code));
  }

  pause(nowMs: number): void {
    this.#stoppedReadingMs = nowMs;
  }

  resume(nowMs: number): void {
    const stoodMs = nowMs - this.#stoppedReadingMs;
    if (this.#pingedMs > 0) this.#pingedMs += stoodMs;
    if (this.#unfinished !== undefined) this.#unfinished.sinceMs += stoodMs;
    this.#stoppedReadingMs = -1;
    this.#schedule();
  }

  /** Nothing more comes of a message that is not finished. */
  end(): void {
    this.#owner.host.stores.hold(-this.unfinishedBytes);
    this.#unfinished = undefined;
  }

  #begin(bytes: number, nowMs: number): void {
    this.#owner.host.stores.hold(bytes - this.unfinishedBytes);
    if (bytes === 0) this.#unfinished = undefined;
    else if (this.#unfinished !== undefined) this.#unfinished.bytes = bytes;
    else {
      this.#unfinished = { bytes, sinceMs: nowMs };
      this.#schedule();
    }
  }

  #schedule(): void {
    this.#owner.scheduler.deadlines.schedule(this.#owner);
  }
}
