import type { DeliveryLedger } from './ledger.ts';
import type { SenderLog } from './sender-log.ts';

/** Deliveries, each one message at one receiver; `expected = received + lost`. Definitions: docs/load.md. */
export interface Ledger {
  readonly published: number;
  readonly expected: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly misrouted: number;
  readonly corrupt: number;
  readonly late: number;
  readonly indeterminate: number;
  readonly firstViolations: readonly Violation[];
}

/** `room` is the message's; of a stamp that cannot be read, the receiver's, with sender and sequence -1. */
export interface Violation {
  readonly kind: string;
  readonly room: string;
  readonly sender: number;
  readonly sequence: number;
  readonly receiver: number;
}

/** When one connection of a receiver was there. */
export interface Presence {
  /** The connection was begun. */
  readonly attemptUs: number;
  /** From the acknowledged join to the moment it began to leave (Infinity: stayed to the end), cut where it was under chaos. */
  readonly segments: readonly PresenceSegment[];
  /** The connection had ended; Infinity: stayed. */
  readonly closedUs: number;
}

export interface PresenceSegment {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** One receiver's connection to be settled: against the speakers of its room, whose pairs follow one another from `base`. */
export interface Receiving {
  readonly receiver: number;
  readonly room: number;
  readonly presence: Presence;
  readonly ledger: DeliveryLedger;
  readonly base: number;
  readonly speakers: readonly SpeakingInterval[];
  /** A speaker that this receiver is not to hear: itself, where the protocol sends nothing back. */
  readonly skip?: number | undefined;
}

export interface SpeakingInterval {
  readonly sender: number;
  readonly log: SenderLog;
}

/** What the ledger says of one stage of the plan, by the time of the send, or of one target. */
export interface SettledSlice {
  published: number;
  received: number;
  lost: number;
}

/** How a settlement is cut into slices. */
export interface Slicing {
  /** When each stage begins, in order; the first one holds what came before it as well. */
  readonly stageStartsUs: readonly number[];
  /** Room i lives on target i mod n. */
  readonly targets: number;
}

/** How many violations of one kind are kept. */
const violationsPerKind = 10;

/**
 * Decides which deliveries were due, and whether they came. Expected is every member whose join was acknowledged before
 * the actual send and that had not begun to leave `deadline` after it, where the sender stayed that long too; every other
 * pair of a message and a connection that overlaps its send is indeterminate (docs/load.md).
 */
export class Settlement {
  readonly #deadlineUs: number;
  readonly #roomName: (room: number) => string;
  readonly #slicing: Slicing;
  readonly stages: readonly SettledSlice[];
  readonly targets: readonly SettledSlice[];
  readonly violations: Violation[] = [];
  readonly lostByRoom: Map<number, number> = new Map();
  expected: number = 0;
  received: number = 0;
  lost: number = 0;
  reordered: number = 0;
  late: number = 0;
  indeterminate: number = 0;

  constructor(
    deadlineUs: number,
    roomName: (room: number) => string,
    slicing: Slicing = { stageStartsUs: [], targets: 0 },
  ) {
    this.#deadlineUs = deadlineUs;
    this.#roomName = roomName;
    this.#slicing = slicing;
    this.stages = slicing.stageStartsUs.map(noSlice);
    this.targets = Array.from({ length: slicing.targets }, noSlice);
  }

  settle(receiving: Receiving): void {
    for (let offset = 0; offset < receiving.speakers.length; offset += 1) this.#settlePair(receiving, offset);
  }

  /** Adds what has been settled elsewhere. */
  add(other: Settlement): void {
    this.expected += other.expected;
    this.received += other.received;
    this.lost += other.lost;
    this.reordered += other.reordered;
    this.late += other.late;
    this.indeterminate += other.indeterminate;
    for (const name of ['stages', 'targets'] as const) {
      for (const [index, slice] of this[name].entries()) addSlice(slice, other[name][index] ?? noSlice());
    }
    this.violations.push(...other.violations);
    for (const [room, lost] of other.lostByRoom) this.lostByRoom.set(room, (this.lostByRoom.get(room) ?? 0) + lost);
  }

  #settlePair(receiving: Receiving, offset: number): void {
    const { log, sender } = receiving.speakers[offset] as SpeakingInterval;
    if (log.count <= log.warmup || sender === receiving.skip) return;
    const { presence } = receiving;
    const overlapFrom = Math.max(log.firstFrom(presence.attemptUs), log.warmup + 1);
    const overlapTo = log.lastUntil(presence.closedUs);
    if (overlapTo < overlapFrom) return;
    let expected = 0;
    for (const { fromUs, untilUs } of presence.segments) {
      const from = Math.max(log.firstFrom(fromUs), log.warmup + 1);
      const to = log.lastUntil(untilUs - this.#deadlineUs);
      expected += this.#settleAroundLeaves(receiving, offset, from, to);
    }
    this.indeterminate += overlapTo - overlapFrom + 1 - expected;
  }

  /** Leaves out what the sender published less than a deadline before it left itself. */
  #settleAroundLeaves(receiving: Receiving, offset: number, from: number, to: number): number {
    const { log } = receiving.speakers[offset] as SpeakingInterval;
    let expected = 0;
    let next = from;
    for (const [voidFrom, voidTo] of this.#voidsOf(log)) {
      if (voidTo < next || voidTo < voidFrom) continue;
      if (voidFrom > to) break;
      expected += this.#settleRange(receiving, offset, next, voidFrom - 1);
      next = voidTo + 1;
    }
    return expected + this.#settleRange(receiving, offset, next, to);
  }

  /** What the sender published less than a deadline before it left, and what was on its way when it was dropped; in order. */
  #voidsOf(log: SenderLog): readonly (readonly [from: number, to: number])[] {
    const left = log.leftUs.map((leftUs) => [log.firstFrom(leftUs - this.#deadlineUs), log.lastUntil(leftUs)] as const);
    return log.voids.length === 0 ? left : [...left, ...log.voids].sort(([one], [other]) => one - other);
  }

  #settleRange(receiving: Receiving, offset: number, from: number, to: number): number {
    if (to < from) return 0;
    const { ledger } = receiving;
    const pair = receiving.base + offset;
    const expected = to - from + 1;
    const late = ledger.lateWithin(pair, from, to);
    const received = ledger.countWithin(pair, from, to) - late;
    const lost = expected - received;
    this.expected += expected;
    this.received += received;
    this.late += late;
    const reordered = ledger.reorderedWithin(pair, from, to);
    this.reordered += reordered;
    this.#settleSlices(
      receiving,
      { pair, log: (receiving.speakers[offset] as SpeakingInterval).log, from, to },
      { received, lost },
    );
    if (late > 0) this.#note('late', receiving, offset, ledger.firstLateWithin(pair, from, to));
    if (reordered > 0) this.#note('reordered', receiving, offset, ledger.firstReorderedWithin(pair, from, to));
    if (lost > 0) {
      this.lost += lost;
      this.lostByRoom.set(receiving.room, (this.lostByRoom.get(receiving.room) ?? 0) + lost);
      this.#note('lost', receiving, offset, ledger.firstLostWithin(pair, from, to));
    }
    return expected;
  }

  #settleSlices(
    { ledger, room }: Receiving,
    { pair, log, from, to }: { pair: number; log: SenderLog; from: number; to: number },
    whole: { received: number; lost: number },
  ): void {
    const { stageStartsUs, targets } = this.#slicing;
    if (targets > 0) addSlice(this.targets[room % targets] as SettledSlice, { published: 0, ...whole });
    if (stageStartsUs.length === 1) return addSlice(this.stages[0] as SettledSlice, { published: 0, ...whole });
    let low = from;
    for (const [index, stage] of this.stages.entries()) {
      const nextUs = stageStartsUs[index + 1];
      const high = nextUs === undefined ? to : Math.min(to, log.firstFrom(nextUs) - 1);
      if (high < low) continue;
      const received = ledger.countWithin(pair, low, high) - ledger.lateWithin(pair, low, high);
      addSlice(stage, { published: 0, received, lost: high - low + 1 - received });
      low = high + 1;
    }
  }

  #note(kind: string, receiving: Receiving, offset: number, sequence: number | undefined): void {
    if (sequence === undefined) return;
    if (this.violations.filter((violation) => violation.kind === kind).length >= violationsPerKind) return;
    const { sender } = receiving.speakers[offset] as SpeakingInterval;
    const room = this.#roomName(receiving.room);
    this.violations.push({ kind, room, sender, sequence, receiver: receiving.receiver });
  }
}

function noSlice(): SettledSlice {
  return { published: 0, received: 0, lost: 0 };
}

function addSlice(into: SettledSlice, other: SettledSlice): void {
  into.published += other.published;
  into.received += other.received;
  into.lost += other.lost;
}
