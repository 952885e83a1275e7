import type { ReceiveOptions } from '../api.ts';
import { quiet, WatchedPromise } from '../promise.ts';
import { bytesOf, type Message } from '../protocol/message.ts';
import { portion, tallied } from '../time/turn.ts';
import type { Deadline } from '../time/deadlines.ts';
import type { Wire, WireEvents } from '../transport/transport.ts';
import { Backlog } from './backlog.ts';
import { offence } from './ending.ts';
import type { InboxOwner, Sink } from './inbox-owner.ts';
import { Pulse } from './pulse.ts';

interface Waiter {
  take(message: Message): void;
  end(): void;
}

/**
 * What comes in at one socket: frames wait here for whoever reads them, a sink or calls to `receive`, and the peer's
 * signs of life are counted. Past `inboundQueue` the wire is paused; what one read brought is still kept.
 */
export class Inbox implements WireEvents {
  readonly pulse: Pulse;
  readonly #owner: InboxOwner;
  /** Undefined where nothing waits. */
  #backlog: Backlog | undefined = undefined;
  #waiters: Waiter[] | undefined = undefined;
  #sink: Sink | undefined = undefined;
  /** Made when first needed: an idle socket has none. */
  #onServed: (() => void) | undefined = undefined;
  /** What waited when the wire was paused; below 0: it is not. */
  #stoppedAtBytes = -1;
  /** Of this turn, as `Turn.tally` counts. */
  #handedOut = 0;
  #isGivingWay = false;
  /** Until then what comes waits, behind so many that came before: its sender was faster than it may be. */
  #readsAgain: (Deadline & { dueMs: number; before: number }) | undefined = undefined;
  /** Busy with a frame, or between two; it rests once a probe has been told so. */
  #sinkIs: 'awake' | 'busy' | 'resting' = 'awake';
  #hasEnded = false;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
    this.pulse = new Pulse(owner);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get queuedBytes(): number {
    return this.#backlog?.bytes ?? 0;
  }

  get #isPaused(): boolean {
    return this.#stoppedAtBytes >= 0;
  }

  open(wire: Wire): void {
    wire.listen(this);
  }

  /** A sink waits for the next frame: nothing of it runs. */
  get isBetweenFrames(): boolean {
    return this.#sink !== undefined && this.#sinkIs !== 'busy';
  }

  /** From here on every frame goes to `sink`, those that wait already first. */
  serve(sink: Sink): void {
    this.#sink = sink;
    this.#pump();
  }

  /**
   * The next frame, converted. Rejects with the disconnect once the socket has ended and nothing is left, with its
   * signal's reason before; either counts as handled, so that it harms nobody who awaits it late.
   */
  receive<T>(call: string, convert: (message: Message) => T, options: ReceiveOptions = {}): Promise<T> {
    const { signal } = options;
    if (signal?.aborted) return quiet(Promise.reject(signal.reason as Error));
    if (this.#readsAgain?.before === 0) return this.#waitFor(call, convert, signal);
    if (this.#backlog !== undefined && !this.#mayHandOut()) return this.#receiveLater(call, convert, options);
    const message = this.#take();
    if (message !== undefined) return this.#settle(call, message, convert);
    if (this.#hasEnded) return quiet(Promise.reject(this.#owner.disconnect));
    return this.#waitFor(call, convert, signal);
  }

  frame(message: Message, byteLength: number = bytesOf(message)): void {
    if (this.#hasEnded) return;
    const { counters } = this.#owner.host;
    counters.messagesIn += 1;
    counters.bytesIn += byteLength;
    const nowMs = this.#owner.scheduler.turn.stampMs();
    this.pulse.lives(nowMs);
    this.pulse.finished(nowMs);
    const waitMs = this.#owner.heard(nowMs, byteLength);
    if (waitMs < 0) return;
    if (waitMs > 0) this.#readLater(nowMs + waitMs);
    if (this.#readsAgain !== undefined) return this.#keep(message);
    const waiter = this.#waiters?.shift();
    if (waiter !== undefined) {
      this.#count(message);
      return waiter.take(message);
    }
    if (this.#sink !== undefined && this.#sinkIs !== 'busy' && this.#mayHandOut()) {
      this.#count(message);
      return this.#serveOne(this.#sink, message);
    }
    this.#keep(message);
  }

  ping(): void {
    this.#owner.host.counters.controlFrames += 1;
  }

  pong(): void {
    this.#owner.host.counters.controlFrames += 1;
    this.pulse.lives(this.#owner.scheduler.turn.stampMs());
  }

  control(isUnread: boolean): void {
    if (!this.#hasEnded) this.pulse.control(isUnread);
  }

  unfinished(bytes: number, fragments: number): void {
    if (!this.#hasEnded) this.pulse.unfinished(bytes, fragments);
  }

  behind(): void {
    this.#owner.host.stores.wrote(this.#owner);
  }

  released(): void {
    this.#owner.released();
  }

  close(code: number, reason: string, wasClean: boolean): void {
    this.#owner.gone(code, reason, wasClean);
    this.#end();
  }

  /** Our own close: what came and was not read is dropped, and reading goes on for the closing handshake alone. */
  drop(): void {
    this.#owner.host.stores.hold(-this.queuedBytes);
    this.#backlog = undefined;
    if (this.#isPaused) this.#setPaused(false);
    this.#end();
  }

  #keep(message: Message): void {
    const backlog = (this.#backlog ??= new Backlog());
    const { inboundQueue, inboundBytes } = this.#owner.limits;
    backlog.push(message);
    this.#owner.host.stores.hold(bytesOf(message));
    if (this.#isPaused) {
      if (backlog.bytes <= this.#stoppedAtBytes + inboundBytes) return;
      this.#owner.breach(offence(`more than ${inboundBytes} bytes beyond what may wait`));
    } else if (backlog.length >= inboundQueue || backlog.bytes >= inboundBytes) this.#setPaused(true);
  }

  #readLater(dueMs: number): void {
    const before = this.#backlog?.length ?? 0;
    const gate = (this.#readsAgain ??= { dueMs, before, heapIndex: -1, onDue: () => this.#readAgain() });
    gate.dueMs = Math.max(gate.dueMs, dueMs);
    this.#owner.scheduler.deadlines.schedule(gate);
    if (!this.#isPaused) this.#setPaused(true);
  }

  #readAgain(): void {
    if (this.#readsAgain === undefined) return;
    this.#owner.scheduler.deadlines.cancel(this.#readsAgain);
    this.#readsAgain = undefined;
    for (
      let waiter = this.#waiters?.[0];
      waiter !== undefined && this.#backlog !== undefined;
      waiter = this.#waiters?.[0]
    ) {
      this.#waiters?.shift();
      waiter.take(this.#take() as Message);
    }
    this.#pump();
    if (this.#isPaused && this.#backlog === undefined) this.#setPaused(false);
  }

  #end(): void {
    this.pulse.end();
    this.#readAgain();
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      const waiters = this.#waiters;
      this.#waiters = undefined;
      for (const waiter of waiters ?? []) waiter.end();
    }
    this.#pump();
  }

  #take(): Message | undefined {
    const backlog = this.#backlog;
    if (backlog === undefined) return undefined;
    const message = backlog.shift();
    if (this.#readsAgain !== undefined) this.#readsAgain.before -= 1;
    this.#count(message);
    this.#owner.host.stores.hold(-bytesOf(message));
    if (backlog.length === 0) this.#backlog = undefined;
    const { inboundQueue, inboundBytes } = this.#owner.limits;
    const hasRoom = backlog.length < inboundQueue && backlog.bytes < inboundBytes;
    if (this.#isPaused && this.#readsAgain === undefined && hasRoom) this.#setPaused(false);
    return message;
  }

  /** Every 256 bytes weigh as much as a message. */
  #count({ data }: Message): void {
    const weight = 1 + Math.min(254, data.length >> 8);
    this.#handedOut = this.#owner.scheduler.turn.tally(this.#handedOut, weight);
  }

  #setPaused(isPaused: boolean): void {
    const nowMs = this.#owner.scheduler.turn.stampMs();
    if (isPaused) {
      this.#owner.wire?.pause();
      this.#stoppedAtBytes = this.queuedBytes;
      this.pulse.pause(nowMs);
    } else {
      if (this.#owner.phase !== 'closed') this.#owner.wire?.resume();
      this.#stoppedAtBytes = -1;
      this.pulse.resume(nowMs);
    }
  }

  /** What one read brought is handed out in portions: a peer that floods leaves their turns to the others. */
  #mayHandOut(): boolean {
    if (this.#isGivingWay || this.#readsAgain?.before === 0) return false;
    const { turn } = this.#owner.scheduler;
    this.#handedOut = turn.tally(this.#handedOut, 0);
    if (tallied(this.#handedOut) < portion.messages) return true;
    this.#isGivingWay = true;
    turn.atEnd(() => {
      this.#isGivingWay = false;
      this.#pump();
    });
    return false;
  }

  #receiveLater<T>(call: string, convert: (message: Message) => T, options: ReceiveOptions): Promise<T> {
    const later = this.#owner.scheduler.turn.over.then(() => this.receive(call, convert, options));
    return WatchedPromise.of(later, this.#owner.watch(call));
  }

  #serveOne(sink: Sink, message: Message): void {
    const { probe } = this.#owner;
    this.#rest();
    this.#sinkIs = 'busy';
    const serving =
      probe?.wake === undefined ? sink.frame(message) : probe.wake(this.#owner, () => sink.frame(message));
    if (serving === undefined) {
      this.#sinkIs = 'awake';
      if (this.#hasEnded) this.#pump();
      else if (this.#backlog === undefined) this.#rest();
    } else {
      this.#onServed ??= this.#pumpOn.bind(this);
      void serving.then(this.#onServed);
    }
  }

  #pumpOn(): void {
    this.#sinkIs = 'awake';
    this.#pump();
  }

  #pump(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    while (this.#sinkIs !== 'busy') {
      if (this.#backlog !== undefined && !this.#mayHandOut()) return;
      const message = this.#take();
      if (message === undefined) break;
      this.#serveOne(sink, message);
    }
    if (this.#sinkIs === 'busy' || this.#backlog !== undefined) return;
    // A sink that closed its socket within the last frame has been told of the end there.
    if (this.#sink === undefined) return;
    if (!this.#hasEnded) return this.#rest();
    this.#sink = undefined;
    const { probe } = this.#owner;
    this.#rest();
    this.#sinkIs = 'awake';
    if (probe?.wake === undefined) sink.ended();
    else probe.wake(this.#owner, () => sink.ended());
  }

  /** Between frames nothing of a sink is suspended; a probe is told, so that it knows who waits for what. */
  #rest(): void {
    const { probe } = this.#owner;
    if (probe === undefined || this.#sinkIs === 'resting') return;
    this.#sinkIs = 'resting';
    probe.rest?.(this.#owner);
  }

  #waitFor<T>(call: string, convert: (message: Message) => T, signal: AbortSignal | undefined): Promise<T> {
    const { probe } = this.#owner;
    const token = probe?.enter?.(call);
    const promise = new WatchedPromise<T>((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener('abort', onAbort);
        if (probe !== undefined) probe.leave?.(token);
      };
      const refuse = (reason: unknown): void => {
        leave();
        void quiet(promise);
        reject(reason as Error);
      };
      const waiter: Waiter = {
        take: (message) => {
          leave();
          try {
            resolve(convert(message));
          } catch (error) {
            this.#owner.host.counters.invalidFrames += 1;
            reject(error as Error);
          }
        },
        end: () => refuse(this.#owner.disconnect),
      };
      const onAbort = (): void => {
        this.#waiters = this.#waiters?.filter((other) => other !== waiter);
        refuse(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      (this.#waiters ??= []).push(waiter);
    });
    promise.begin(this.#owner.watch(call));
    return promise;
  }

  #settle<T>(call: string, message: Message, convert: (message: Message) => T): Promise<T> {
    try {
      return Promise.resolve(convert(message));
    } catch (error) {
      this.#owner.host.counters.invalidFrames += 1;
      return WatchedPromise.rejecting(error, this.#owner.watch(call));
    }
  }
}
