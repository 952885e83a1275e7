import type { DeliveryLedger } from '../ledger/ledger.ts';
import type { Plan } from '../plan/plan.ts';
import { SenderLog } from '../ledger/sender-log.ts';
import {
  Settlement,
  type Presence,
  type SettledSlice,
  type Slicing,
  type SpeakingInterval,
} from '../ledger/settlement.ts';
import type { Client } from './client/client.ts';
import type { GeneratorCore } from './client/generator-context.ts';
import type { SharedLog } from '../message.ts';
import type { SettledSlices } from './measure/result.ts';
import type { Receiver } from './receiver.ts';
import type { Publisher as Speeches } from './speaking/publisher.ts';

/** What one connection of a client received, and where that is kept. */
interface Archived {
  readonly client: Client;
  readonly presence: Presence;
  readonly ledger: DeliveryLedger;
  readonly base: number;
}

export interface SettlingOptions {
  readonly ledger: DeliveryLedger;
  readonly speaking: Speeches;
  readonly reading: Receiver;
  /** No connect waits for its answer. */
  isQuiet(): boolean;
}

const pollUs = 20_000;
/** What comes on the heels of the last delivery (a duplicate, a leak) is waited for. */
const quietUs = 100_000;

/** Settles what the clients of one process should have received: rooms of its own by itself, shared ones once the others' logs are there. */
export class Settler {
  readonly #generator: GeneratorCore;
  readonly #options: SettlingOptions;
  readonly #plan: Plan;
  #ended: Settlement | undefined;
  readonly #archive: Archived[] = [];
  readonly #sharedLogs: Map<number, SenderLog> = new Map();
  #speakersByRoom: Map<number, readonly SpeakingInterval[]> = new Map();
  #final: Settlement | undefined;

  constructor(generator: GeneratorCore, options: SettlingOptions) {
    this.#generator = generator;
    this.#options = options;
    this.#plan = generator.options.plan;
  }

  /** The client is to begin anew; what its last connection received is put by. */
  retire(client: Client): void {
    const { ledger } = this.#options;
    const count = this.#speakersOf(client).length;
    const archived = { client, presence: client.presence, ledger: ledger.detach(client.pairBase, count), base: 0 };
    if (this.#plan.isShared[client.roomIndex] === 1) this.#archive.push(archived);
    else this.#settle(this.#done, archived);
  }

  /** Of our speakers in rooms that other processes have members in. */
  sharedLogs(): SharedLog[] {
    const result: SharedLog[] = [];
    for (const [sender, log] of this.#options.speaking.logs) {
      if (this.#plan.isShared[this.#plan.roomOf[sender] as number] === 1) result.push({ sender, log: log.toPlain() });
    }
    return result;
  }

  /** Nobody speaks any more: waits until all is there, or the deadline of the last message has passed. */
  begin(logs: readonly SharedLog[], lastSendUs: number): void {
    const { speaking } = this.#options;
    for (const { sender, log } of logs)
      if (!speaking.logs.has(sender)) this.#sharedLogs.set(sender, SenderLog.fromPlain(log));
    this.#speakersByRoom = new Map();
    this.#poll(lastSendUs + this.#plan.scenario.deadlineMs * 1_000, pollUs);
  }

  /** The last word. */
  finish(): void {
    this.#final = this.#settleAll(true);
  }

  get result(): Settlement {
    return this.#final ?? this.#settleAll(true);
  }

  /** By stage and by target; what was published as well. */
  get slices(): SettledSlices {
    const { stages, targets } = this.result;
    const { stageStartsUs } = this.#slicing;
    for (const [sender, log] of this.#options.speaking.logs) {
      const room = this.#plan.roomOf[sender] as number;
      (targets[room % targets.length] as SettledSlice).published += log.count - log.warmup;
      for (const [index, stage] of stages.entries()) {
        const nextUs = stageStartsUs[index + 1];
        const first = index === 0 ? 1 : log.firstFrom(stageStartsUs[index] as number);
        const last = nextUs === undefined ? log.count : log.firstFrom(nextUs) - 1;
        stage.published += Math.max(0, last - Math.max(first, log.warmup + 1) + 1);
      }
    }
    return { stages, targets };
  }

  #poll(deadlineUs: number, intervalUs: number): void {
    const generator = this.#generator;
    const beginUs = generator.nowUs();
    const isOver = beginUs > deadlineUs;
    const isQuiet = this.#options.isQuiet() && beginUs - this.#options.reading.lastFrameUs >= quietUs;
    if (isOver || (isQuiet && this.#settleAll().lost === 0)) return generator.options.emit({ type: 'settled' });
    // A large ledger takes its time, which the deliveries that are still to come need too.
    const costUs = generator.nowUs() - beginUs;
    const nextUs = Math.min(deadlineUs + 1_000, generator.nowUs() + Math.max(intervalUs, costUs * 4));
    generator.at(nextUs, () => this.#poll(deadlineUs, Math.min(intervalUs * 1.5, 500_000)));
  }

  #settleAll(isFinal: boolean = false): Settlement {
    const whole = this.#settlement(isFinal);
    whole.add(this.#done);
    for (const archived of this.#archive) this.#settle(whole, archived);
    const { ledger } = this.#options;
    for (const client of this.#generator.clients) {
      if (client.hasPresence) this.#settle(whole, { client, presence: client.presence, ledger, base: client.pairBase });
    }
    return whole;
  }

  #settle(into: Settlement, { client, presence, ledger, base }: Archived): void {
    const speakers = this.#speakersOf(client);
    into.settle({
      receiver: client.index,
      room: client.roomIndex,
      presence,
      ledger,
      base,
      speakers,
      skip: this.#skipOf(client),
    });
  }

  /** A sender that does not hear itself expects nothing of itself. */
  #skipOf(client: Client): number | undefined {
    return this.#plan.scenario.adapter.echoes === false ? client.index : undefined;
  }

  #speakersOf(client: Client): readonly SpeakingInterval[] {
    const room = client.roomIndex;
    const speakers = this.#speakersByRoom.get(room) ?? this.#makeSpeakers(room);
    if (this.#plan.scenario.adapter.reach !== 'sender') return speakers;
    const own = speakers[this.#plan.placeOf[client.index] as number];
    return own === undefined ? [] : [own];
  }

  #makeSpeakers(room: number): readonly SpeakingInterval[] {
    const members = this.#plan.membersOf[room] as Uint32Array;
    const speakers = Array.from(members.subarray(0, this.#plan.speakersIn[room]), (sender) => ({
      sender,
      log: this.#logOf(sender),
    }));
    this.#speakersByRoom.set(room, speakers);
    return speakers;
  }

  #logOf(sender: number): SenderLog {
    if (this.#generator.client(sender) !== undefined) return this.#options.speaking.logOf(sender);
    return this.#sharedLogs.get(sender) ?? new SenderLog();
  }

  /** Of connections that are over; made once the start of the run is known. */
  get #done(): Settlement {
    return (this.#ended ??= this.#settlement(true));
  }

  get #slicing(): Slicing {
    const { startUs } = this.#generator;
    return {
      stageStartsUs: this.#plan.stageMarks.map(({ atMs }) => startUs + atMs * 1_000),
      targets: this.#generator.options.targets.length,
    };
  }

  /** Only the last word is cut into slices: on the way to it they would be worked out for nothing. */
  #settlement(isSliced: boolean): Settlement {
    return new Settlement(
      this.#plan.scenario.deadlineMs * 1_000,
      (room) => this.#plan.rooms[room]?.name ?? String(room),
      ...(isSliced ? [this.#slicing] : []),
    );
  }
}
