import type { SocketHost, StoreOwner } from './host.ts';
import type { Limits, SendOutcome } from '../api.ts';
import { whileWaiting, type Probe } from '../probe.ts';
import { settled } from '../promise.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Scheduler } from '../time/scheduler.ts';
import { portion, tallied } from '../time/turn.ts';
import type { Wire } from '../transport/transport.ts';

/** A socket as its outbox sees it. */
export interface OutboxOwner extends StoreOwner {
  readonly probe: Probe | undefined;
  readonly limits: Limits;
  readonly scheduler: Scheduler;
  readonly isOpen: boolean;
  readonly host: Pick<SocketHost, 'counters' | 'stores'>;
  /** Monotonic milliseconds of the last data frame in either direction. */
  lastDataMs: number;
}

/** The outbox has what goes out at one socket, from its accept on. */
export class Outbox {
  readonly wire: Wire;
  readonly #owner: OutboxOwner;
  /** A send has said so: whoever asks whether it is connected need not try again. */
  hasFailed: boolean = false;
  /** Messages of this turn, as `Turn.tally` counts. */
  #sent = 0;

  constructor(wire: Wire, owner: OutboxOwner) {
    this.wire = wire;
    this.#owner = owner;
  }

  /** To a member of a group: never waits. */
  deliver(frame: Frame, nowMs: number): SendOutcome {
    const { wire } = this;
    if (wire.waitingBytes > 0 && wire.bufferedBytes + frame.byteLength > this.#owner.limits.maxBufferedBytes) {
      return 'dropped';
    }
    return this.#write(frame, nowMs);
  }

  /** To this socket alone: writes, then waits where too much is buffered, or where it has sent its portion of the turn. */
  send(frame: Frame): Promise<SendOutcome> {
    const { limits, probe, scheduler } = this.#owner;
    const { turn } = scheduler;
    const outcome = this.#write(frame, turn.stampMs());
    if (outcome === 'closed') return settled.closed;
    this.#sent = turn.tally(this.#sent, 1);
    const { bufferedBytes, waitingBytes } = this.wire;
    if (bufferedBytes > limits.maxBufferedBytes) return whileWaiting(probe, 'send', this.#drained(outcome));
    // A loop of awaited sends gives way to the rest of the process.
    const isPart = tallied(this.#sent) < portion.messages && bufferedBytes - waitingBytes < portion.bytes;
    return isPart ? settled[outcome] : turn.over.then(() => outcome);
  }

  #write(frame: Frame, nowMs: number): 'sent' | 'queued' | 'closed' {
    const { wire } = this;
    const owner = this.#owner;
    const outcome = wire.write(frame);
    if (outcome === 'closed') {
      this.hasFailed = true;
      return outcome;
    }
    owner.lastDataMs = nowMs;
    const { counters, stores } = owner.host;
    if (wire.tellsBehind === true) stores.writing(owner);
    else stores.wrote(owner);
    counters.messagesOut += 1;
    counters.bytesOut += frame.byteLength;
    return outcome;
  }

  async #drained(outcome: SendOutcome): Promise<SendOutcome> {
    await this.wire.drained();
    return this.#owner.isOpen ? outcome : 'closed';
  }
}
