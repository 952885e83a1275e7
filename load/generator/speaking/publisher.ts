import type { Faker } from '../../scenario/faker.ts';
import type { Plan } from '../../plan/plan.ts';
import { hash32, seeded } from '../../../src/internal.ts';
import { called } from '../../scenario/adapter/guard.ts';
import { Agenda } from '../../scenario/schedule.ts';
import { SenderLog } from '../../ledger/sender-log.ts';
import { encodeStamp, emptyStamp, type StampFields } from '../../ledger/stamp.ts';
import type { LoadTime } from '../../time.ts';
import type { Client } from '../client/client.ts';
import type { Due, DueQueue } from '../client/due-queue.ts';
import type { Measures } from '../measure/measures.ts';

export interface SpeakingOptions {
  readonly plan: Plan;
  readonly run: number;
  readonly measures: Measures;
  readonly time: LoadTime;
  readonly queue: DueQueue;
  readonly faker: Faker | undefined;
  /** Publishing threw: the scenario is wrong, so the run ends. */
  onError(error: unknown): void;
}

const agendaStream = 3;
const payloadStream = 4;

/** Publishes on an open schedule: at the intended time or as soon after it as the process can, and never because of an answer. */
export class Publisher {
  readonly logs: Map<number, SenderLog> = new Map();
  readonly #options: SpeakingOptions;
  readonly #stamp: StampFields;
  readonly #joins: Map<number, number> = new Map();
  warmupEndUs: number = 0;
  endUs: number = Infinity;
  lastSendUs: number = 0;

  constructor(options: SpeakingOptions) {
    this.#options = options;
    this.#stamp = { ...emptyStamp(), run: options.run };
  }

  isSpeaker(client: Client): boolean {
    const { plan } = this.#options;
    return (plan.placeOf[client.index] as number) < (plan.speakersIn[client.roomIndex] as number);
  }

  logOf(sender: number): SenderLog {
    const known = this.logs.get(sender);
    if (known !== undefined) return known;
    const made = new SenderLog();
    this.logs.set(sender, made);
    return made;
  }

  /** The client has joined: its schedule begins. Each time it joins it draws other random numbers. */
  begin(client: Client, joinedUs: number): void {
    const { plan, queue } = this.#options;
    const joins = this.#joins.get(client.index) ?? 0;
    this.#joins.set(client.index, joins + 1);
    const random = seeded(plan.scenario.seed, agendaStream, client.index, joins);
    const agenda = new Agenda(plan.scenario.schedule, random, joinedUs);
    queue.push(new SpeakerTurn(this, client, agenda));
  }

  enqueue(turn: Due): void {
    this.#options.queue.push(turn);
  }

  left(client: Client, atUs: number): void {
    if (this.isSpeaker(client)) this.logOf(client.index).leave(atUs);
  }

  /**
   * The client was dropped and is to resume: what came back to itself has reached the server, whatever was sent behind that
   * may not have. One that does not hear itself says nothing of it, so it counts as one that left.
   */
  dropped(client: Client, atUs: number, lastHeard: number | undefined): void {
    if (!this.isSpeaker(client)) return;
    const log = this.logOf(client.index);
    if (lastHeard === undefined) log.leave(atUs);
    else log.voidFrom(Math.max(lastHeard, log.warmup) + 1);
  }

  /** Publishes what its schedule intended for `intendedUs`. False when the speaker is done. */
  takeTurn(client: Client, intendedUs: number): boolean {
    if (intendedUs > this.endUs) return false;
    const isWarmup = intendedUs < this.warmupEndUs;
    const { measures, time } = this.#options;
    if (!isWarmup) measures.total.intendedPublishes += 1;
    // A message that the end of the run overtook stays unsent, and counts as such.
    if (time.nowUs() > this.endUs + endGraceUs) return true;
    try {
      this.publish(client, intendedUs, this.#payload(client));
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
    return true;
  }

  publish(client: Client, intendedUs: number, payload: unknown): void {
    const { measures, time, plan } = this.#options;
    const log = this.logOf(client.index);
    const isWarmup = intendedUs < this.warmupEndUs;
    const sentUs = Math.max(time.nowUs(), intendedUs);
    const stamp = this.#stamp;
    stamp.sender = client.index;
    stamp.sequence = log.count + 1;
    stamp.room = client.roomIndex;
    stamp.intendedUs = intendedUs;
    stamp.latenessUs = sentUs - Math.round(intendedUs);
    const frame = plan.scenario.adapter.publish(encodeStamp(stamp), payload, client);
    log.add(sentUs, isWarmup);
    this.lastSendUs = sentUs;
    client.send(frame);
    if (isWarmup) return;
    measures.total.published += 1;
    measures.lateness.recordUs(sentUs - intendedUs);
  }

  /** The same payload for the same message of the same seed, whichever process makes it. */
  #payload(client: Client): unknown {
    const { plan, faker } = this.#options;
    const { payload, seed } = plan.scenario;
    if (payload === undefined) return undefined;
    const sequence = this.logOf(client.index).count + 1;
    faker?.seed(hash32(seed, payloadStream, client.index, sequence));
    return called('payload', () =>
      payload({ faker: faker as Faker, room: client.room, sender: client.index, sequence }),
    );
  }
}

/** A message intended just before the end may be sent just after it. */
const endGraceUs = 100_000;

/** One speaker's next message in the queue. It ends with the connection it began with. */
class SpeakerTurn implements Due {
  atUs: number;
  readonly #speaking: Publisher;
  readonly #client: Client;
  readonly #agenda: Agenda;
  readonly #attemptUs: number;

  constructor(speaking: Publisher, client: Client, agenda: Agenda) {
    this.#speaking = speaking;
    this.#client = client;
    this.#agenda = agenda;
    this.#attemptUs = client.attemptUs;
    this.atUs = agenda.nextUs;
  }

  get #isOver(): boolean {
    return this.#client.state !== 'joined' || this.#client.attemptUs !== this.#attemptUs;
  }

  run(): void {
    if (this.#isOver || !this.#speaking.takeTurn(this.#client, this.atUs)) return;
    this.#agenda.advance();
    this.atUs = this.#agenda.nextUs;
    this.#speaking.enqueue(this);
  }
}
