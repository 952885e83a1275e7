import type { Adapter } from '../scenario/adapter/adapter.ts';
import type { DeliveryLedger } from '../ledger/ledger.ts';
import { ScenarioError } from '../load-error.ts';
import { stageAt, type Plan } from '../plan/plan.ts';
import {
  decodeStamp,
  decodeStampBytes,
  emptyStamp,
  stampLength,
  stampPrefix,
  type StampFields,
} from '../ledger/stamp.ts';
import type { LoadTime } from '../time.ts';
import type { Client } from './client/client.ts';
import type { ReceivedMessage } from './connection/connection.ts';
import type { Measures } from './measure/measures.ts';
import { shown } from './measure/trace.ts';
import { StampPlaces } from '../ledger/stamp-places.ts';

export interface ReadingOptions {
  readonly plan: Plan;
  readonly run: number;
  readonly ledger: DeliveryLedger;
  readonly measures: Measures;
  readonly time: LoadTime;
  /** Looks for the stamp in the bytes before it asks the adapter. */
  readonly scans: boolean;
  /** The frame that says so has come. */
  onJoined(client: Client): void;
  /** The adapter is wrong, so the run ends. */
  onError(error: unknown): void;
}

const firstFrameLength = 120;

/** A received frame is a join, a reply or stamps; each stamp goes into the ledger and the histograms. */
export class Receiver {
  readonly #plan: Plan;
  readonly #adapter: Adapter;
  readonly #options: ReadingOptions;
  readonly #places: StampPlaces | undefined;
  readonly #stamp: StampFields = emptyStamp();
  readonly #deadlineUs: number;
  readonly #keepsLast: boolean;
  /** The start of the run, for the stages of the plan. */
  startUs: number = 0;
  /** Messages intended before it do not count. */
  warmupEndUs: number = 0;
  lastFrameUs: number = 0;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#adapter = options.plan.scenario.adapter;
    this.#deadlineUs = options.plan.scenario.deadlineMs * 1_000;
    // Replies and resuming need the whole frame, so there is nothing to save by scanning.
    const { reply, resume } = this.#adapter;
    const scans = options.scans && reply === undefined && resume === undefined;
    this.#keepsLast = resume !== undefined;
    this.#places = scans ? new StampPlaces(stampPrefix(options.run)) : undefined;
  }

  frame(client: Client, message: ReceivedMessage): void {
    const nowUs = this.#options.time.nowUs();
    if (this.#places !== undefined && client.state === 'joined') {
      const { bytes, start, end } = message;
      const at = this.#places.find(bytes, start, end);
      if (at >= 0) {
        if (decodeStampBytes(bytes, at, this.#stamp)) this.#enter(client, nowUs);
        else this.#corrupt(client, nowUs, bytes.toString('latin1', at, Math.min(end, at + stampLength)));
        return;
      }
    }
    this.#readWhole(client, message, nowUs);
  }

  #readWhole(client: Client, { bytes, start, end, isText }: ReceivedMessage, nowUs: number): void {
    const value = isText ? bytes.toString('utf8', start, end) : Uint8Array.prototype.slice.call(bytes, start, end);
    if (client.state === 'open' && this.#asked('isJoined', () => this.#adapter.isJoined?.(value, client)) === true) {
      if (this.#keepsLast) client.lastFrame = value;
      this.#options.onJoined(client);
    }
    const answers = this.#asked('reply', () => this.#adapter.reply?.(value, client));
    if (answers !== undefined && client.isPresent) for (const answer of answers) client.send(answer);
    let stamps: string | readonly string[] | undefined;
    try {
      stamps = this.#adapter.stampOf(value);
    } catch (error) {
      if (error instanceof ScenarioError) return this.#options.onError(error);
      // A frame that the adapter cannot read is one whose stamp cannot be read, unless the client is still joining.
      this.#options.measures.error('stampOf', String(error));
      return this.#corrupt(client, nowUs, typeof value === 'string' ? value : bytes.toString('latin1', start, end));
    }
    if (stamps === undefined) return this.#count(value);
    if (this.#keepsLast) client.lastFrame = value;
    if (typeof stamps === 'string') {
      this.#places?.learn(bytes, start, end, stamps);
      return this.#read(client, stamps, nowUs);
    }
    for (const stamp of stamps) this.#read(client, stamp, nowUs);
  }

  /** A frame that is no delivery: an acknowledgement, a ticker's push, or one that the adapter does not know. */
  #count(frame: string | Uint8Array): void {
    const kind =
      this.#adapter.kindOf === undefined ? 'other' : this.#asked('kindOf', () => this.#adapter.kindOf?.(frame));
    this.#options.measures.frame(kind ?? 'other', () => shown(frame, firstFrameLength));
  }

  #read(client: Client, stamp: string, nowUs: number): void {
    if (typeof stamp === 'string' && decodeStamp(stamp, this.#stamp)) this.#enter(client, nowUs);
    else this.#corrupt(client, nowUs, String(stamp));
  }

  /** The stamp is read and whole; it is in `#stamp`. */
  #enter(client: Client, nowUs: number): void {
    const { run, sender, sequence, room, intendedUs, latenessUs } = this.#stamp;
    const { measures, ledger } = this.#options;
    this.lastFrameUs = nowUs;
    if (run !== this.#options.run)
      return measures.error('other-run', `client ${client.index} received a stamp of another run`);
    const isWarmup = intendedUs < this.warmupEndUs;
    const offset = this.#offsetOf(sender, room);
    if (offset === undefined) return this.#corrupt(client, nowUs, `sender ${sender} does not speak in room ${room}`);
    const { reach, echoes } = this.#adapter;
    const isOwn = sender === client.index;
    if (room !== client.roomIndex || (reach === 'sender' && !isOwn) || (echoes === false && isOwn)) {
      if (!isWarmup) this.#violate('misrouted', client);
      return;
    }
    client.deliveries += 1;
    if (client.waiters !== undefined) notify(client);
    if (isWarmup) return;
    const sentUs = intendedUs + latenessUs;
    const verdict = ledger.record(
      client.pairBase + (reach === 'sender' ? 0 : offset),
      sequence,
      // What was given back on a return could not come before it.
      nowUs - Math.max(sentUs, this.#keepsLast ? client.openedUs : 0) > this.#deadlineUs,
    );
    if (verdict === 'duplicate') return this.#violate('duplicated', client);
    measures.total.delivered += 1;
    // What a server hands out of its history is older than the connection and says nothing of its speed.
    if (sentUs < client.openedUs) return;
    const us = nowUs - intendedUs;
    measures.fanout.recordUs(us);
    measures.fanoutFromSend.recordUs(nowUs - sentUs);
    measures.bucket(client.bucket).recordUs(us);
    measures.stages[stageAt(this.#plan, intendedUs - this.startUs)]?.fanout.recordUs(us);
    measures.targets[room % measures.targets.length]?.fanout.recordUs(us);
    if (isOwn) measures.echo.recordUs(us);
    measures.lastReceivers.record(sender, sequence, intendedUs, nowUs);
  }

  /** Which speaker of the room the sender is; undefined where the plan knows no such speaker. */
  #offsetOf(sender: number, room: number): number | undefined {
    if (this.#plan.roomOf[sender] !== room) return undefined;
    const place = this.#plan.placeOf[sender] as number;
    return place < (this.#plan.speakersIn[room] as number) ? place : undefined;
  }

  #corrupt(client: Client, nowUs: number, sample: string): void {
    this.lastFrameUs = nowUs;
    // What it says of its time cannot be believed, so the moment it came decides whether it counts.
    if (nowUs < this.warmupEndUs) return;
    const { measures } = this.#options;
    measures.total.corrupt += 1;
    measures.error('corrupt', sample);
    measures.violation({ kind: 'corrupt', room: client.room, sender: -1, sequence: -1, receiver: client.index });
  }

  #violate(kind: 'misrouted' | 'duplicated', client: Client): void {
    const { measures } = this.#options;
    const { sender, sequence, room } = this.#stamp;
    measures.total[kind] += 1;
    const name = this.#plan.rooms[room]?.name ?? String(room);
    measures.violation({ kind, room: name, sender, sequence, receiver: client.index });
  }

  #asked<T>(what: string, ask: () => T): T | undefined {
    try {
      return ask();
    } catch (error) {
      if (error instanceof ScenarioError) this.#options.onError(error);
      else this.#options.measures.error(what, String(error));
      return undefined;
    }
  }
}

function notify(client: Client): void {
  const waiters = client.waiters as NonNullable<Client['waiters']>;
  client.waiters = waiters.filter((waiter) => waiter.count > client.deliveries);
  if (client.waiters.length === 0) client.waiters = undefined;
  for (const waiter of waiters) if (waiter.count <= client.deliveries) waiter.resolve();
}
