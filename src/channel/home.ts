import type { Awaitable, Channel, Limits } from '../api.ts';
import { isA } from '../errors.ts';
import { whileWaiting, type Probe } from '../probe.ts';
import { follow, isThenable, WatchedPromise, type Watch } from '../promise.ts';
import { payloadBytes } from '../protocol/codec.ts';
import type { Payload } from '../protocol/payload.ts';
import type { HistoryBounds, LayerContext, LocalNode } from '../layer/layer.ts';
import type { Clock } from '../time/clock.ts';
import type { Scheduler } from '../time/scheduler.ts';
import { portion, tallied, type Turn } from '../time/turn.ts';
import { SocketChannel } from './channel.ts';
import type { ChannelSocket } from './channel-socket.ts';

/** A box takes this over from the app that it is given to. */
export interface BoxHome {
  /** Undefined: the system's. */
  readonly clock: Clock | undefined;
  readonly limits: Limits;
  /** Of everybody who has asked to be let in; the app's own set. */
  readonly sockets: ReadonlySet<ChannelSocket>;
  probe(): Probe | undefined;
  log(message: string, fields: object): void;
  /** One of the app's own functions failed, outside of any connection. */
  failed(error: unknown, hook: string): void;
  /** For a call on the box that fails, and may not be awaited. */
  watch(call: string): Watch;
}

/** Of a box that belongs to no app: a rejection is Node's to tell. */
const unowned: Watch = {
  atEnd: (task) => task(),
  unseen: (error) => void Promise.reject(error as Error),
  rememberSite: () => unowned,
};

/** The calls on a box as the app that owns it sees them: what waits, and what has failed with nobody to look. */
export class BoxCalls {
  readonly #turn: Turn;
  readonly #home: () => BoxHome | undefined;
  /** Of this turn, as `Turn.tally` counts. */
  #sent = 0;
  #sentBytes = 0;

  constructor(turn: Turn, home: () => BoxHome | undefined) {
    this.#turn = turn;
    this.#home = home;
  }

  /**
   * An answer that is there at once, as long as this box has sent no more in this turn than a portion; else when the turn
   * is over. A fan-out counts once, with its payload's bytes; one to some thousands of members is more work than one.
   */
  inPortions<T>(answer: T, payload: Payload, members: number): Awaitable<T> {
    const before = this.#sent;
    this.#sent = this.#turn.tally(before, 1 + (members >> 9));
    const isFirst = tallied(this.#sent) <= tallied(before);
    this.#sentBytes = (isFirst ? 0 : this.#sentBytes) + payloadBytes(payload);
    if (tallied(this.#sent) < portion.messages && this.#sentBytes < portion.bytes) return answer;
    return this.#turn.over.then(() => answer);
  }

  /** What is there at once stays so; what is not is a promise of ours, which a probe may want to know of. */
  wait<T>(call: string, answer: Awaitable<T>): Awaitable<T> {
    const probe = this.#home()?.probe();
    probe?.called?.(call);
    return isThenable(answer) ? whileWaiting(probe, call, Promise.resolve(answer)) : answer;
  }

  /** What a call of the app comes to: one that fails, and that nobody awaits, is told to the app. */
  owned<T>(call: string, by: Channel | undefined, body: () => Awaitable<T>): Promise<T> {
    try {
      const answer = body();
      return isThenable(answer) ? this.later(call, by, answer) : Promise.resolve(answer);
    } catch (error) {
      return WatchedPromise.rejecting(error, this.watch(call, by));
    }
  }

  /** The same of what comes later. */
  later<T>(call: string, by: Channel | undefined, answer: Promise<T>): Promise<T> {
    return WatchedPromise.of(answer, this.watch(call, by).rememberSite());
  }

  /** A function of the app that fails keeps nobody from what comes next. */
  run(hook: string, body: () => unknown): void {
    const fail = (error: unknown): void => this.#home()?.failed(error, hook);
    try {
      follow(body(), fail);
    } catch (error) {
      fail(error);
    }
  }

  /** @param by whose call it is, where that is known */
  watch(call: string, by: Channel | undefined): Watch {
    if (isA(by, SocketChannel)) return by.socket.watch(call);
    return this.#home()?.watch(call) ?? unowned;
  }
}

/**
 * A box lends this to its layer. It is a class because of `clock`: a getter in an object literal would give each box a hidden
 * class of its own, which keeps the box alive until the old generation is collected.
 */
export class BoxContext implements LayerContext {
  readonly local: LocalNode;
  readonly bounds: HistoryBounds;
  readonly uuid: () => string;
  readonly report: (error: unknown) => void;
  readonly wakeAt: (dueMs: number, wake: () => void) => void;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, parts: Pick<LayerContext, 'local' | 'bounds' | 'uuid' | 'report'>) {
    this.#scheduler = scheduler;
    this.local = parts.local;
    this.bounds = parts.bounds;
    this.uuid = parts.uuid;
    this.report = parts.report;
    const wakeAt = (dueMs: number, wake: () => void): void =>
      scheduler.deadlines.schedule({ dueMs, heapIndex: -1, onDue: wake });
    this.wakeAt = wakeAt;
  }

  /** That of the app, once the box has one. */
  get clock(): Clock {
    return this.#scheduler.clock;
  }
}
