import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { DeliveryLedger } from '../../load/ledger/ledger.ts';
import { SenderLog } from '../../load/ledger/sender-log.ts';
import { Settlement, type Presence } from '../../load/ledger/settlement.ts';

const deadlineUs = 100;

/** What happened in one room, told message by message: the naive ledger reads it as docs/load.md does. */
interface Story {
  /** Of each sender, when each message really left. */
  readonly sentUs: readonly (readonly number[])[];
  /** Messages up to this one belong to the warm-up. */
  readonly warmup: readonly number[];
  readonly leftUs: readonly (readonly number[])[];
  readonly presences: readonly Presence[];
  /** In order of arrival: [receiver, sender, sequence, arrival]. */
  readonly arrivals: readonly (readonly [number, number, number, number])[];
}

interface Totals {
  expected: number;
  received: number;
  lost: number;
  late: number;
  reordered: number;
  indeterminate: number;
  duplicated: number;
}

function naive(story: Story): Totals {
  const totals: Totals = { expected: 0, received: 0, lost: 0, late: 0, reordered: 0, indeterminate: 0, duplicated: 0 };
  const seen = new Map<string, { isLate: boolean; isReordered: boolean }>();
  const highest = new Map<string, number>();
  for (const [receiver, sender, sequence, atUs] of story.arrivals) {
    if (sequence <= (story.warmup[sender] as number)) continue;
    const key = `${receiver} ${sender} ${sequence}`;
    if (seen.has(key)) {
      totals.duplicated += 1;
      continue;
    }
    const isLate = atUs - (story.sentUs[sender]?.[sequence - 1] as number) > deadlineUs;
    const pair = `${receiver} ${sender}`;
    const isReordered = !isLate && sequence < (highest.get(pair) ?? 0);
    seen.set(key, { isLate, isReordered });
    highest.set(pair, Math.max(highest.get(pair) ?? 0, sequence));
  }
  for (const [receiver, presence] of story.presences.entries()) {
    for (const [sender, times] of story.sentUs.entries()) {
      for (const [index, sentUs] of times.entries()) {
        if (index + 1 <= (story.warmup[sender] as number)) continue;
        if (sentUs < presence.attemptUs || sentUs > presence.closedUs) continue;
        const wasThere = presence.segments.some(
          ({ fromUs, untilUs }) => fromUs <= sentUs && sentUs + deadlineUs <= untilUs,
        );
        const leaves = story.leftUs[sender] as readonly number[];
        const senderStayed = leaves.every((leftUs) => leftUs < sentUs || leftUs > sentUs + deadlineUs);
        if (!wasThere || !senderStayed) {
          totals.indeterminate += 1;
          continue;
        }
        const copy = seen.get(`${receiver} ${sender} ${index + 1}`);
        totals.expected += 1;
        if (copy === undefined || copy.isLate) totals.lost += 1;
        else totals.received += 1;
        if (copy?.isLate === true) totals.late += 1;
        if (copy?.isReordered === true) totals.reordered += 1;
      }
    }
  }
  return totals;
}

function real(story: Story): Totals {
  const senders = story.sentUs.length;
  const ledger = new DeliveryLedger(story.presences.length * senders);
  const speakers = story.sentUs.map((times, sender) => {
    const log = new SenderLog();
    times.forEach((sentUs, index) => log.add(sentUs, index + 1 <= (story.warmup[sender] as number)));
    for (const leftUs of story.leftUs[sender] as readonly number[]) log.leave(leftUs);
    return { sender, log };
  });
  let duplicated = 0;
  for (const [receiver, sender, sequence, atUs] of story.arrivals) {
    if (sequence <= (story.warmup[sender] as number)) continue;
    const isLate = atUs - (story.sentUs[sender]?.[sequence - 1] as number) > deadlineUs;
    if (ledger.record(receiver * senders + sender, sequence, isLate) === 'duplicate') duplicated += 1;
  }
  const settlement = new Settlement(deadlineUs, String);
  for (const [receiver, presence] of story.presences.entries()) {
    settlement.settle({ receiver, room: 0, presence, ledger, base: receiver * senders, speakers });
  }
  const { expected, received, lost, late, reordered, indeterminate } = settlement;
  return { expected, received, lost, late, reordered, indeterminate, duplicated };
}

const timeUs = fc.integer({ min: 0, max: 1_000 });

const presence: fc.Arbitrary<Presence> = fc.uniqueArray(timeUs, { minLength: 6, maxLength: 6 }).chain((times) => {
  const [attemptUs, joinUs, cutUs, overUs, leftUs, closedUs] = times.toSorted((one, other) => one - other) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const stays = { attemptUs, segments: [{ fromUs: joinUs, untilUs: Infinity }], closedUs: Infinity };
  const leaves = { attemptUs, segments: [{ fromUs: joinUs, untilUs: leftUs }], closedUs };
  const slowed = {
    attemptUs,
    segments: [
      { fromUs: joinUs, untilUs: cutUs },
      { fromUs: overUs, untilUs: leftUs },
    ],
    closedUs,
  };
  return fc.constantFrom<Presence>(stays, leaves, slowed, { attemptUs, segments: [], closedUs });
});

const story: fc.Arbitrary<Story> = fc
  .record({
    sentUs: fc.array(
      fc.array(timeUs, { maxLength: 20 }).map((times) => times.toSorted((one, other) => one - other)),
      { minLength: 1, maxLength: 3 },
    ),
    presences: fc.array(presence, { minLength: 1, maxLength: 3 }),
  })
  .chain(({ sentUs, presences }) => {
    const messages = sentUs.flatMap((times, sender) => times.map((at, index) => [sender, index + 1, at] as const));
    const arrival =
      messages.length === 0
        ? fc.constant([])
        : fc.array(
            fc
              .tuple(fc.nat(presences.length - 1), fc.constantFrom(...messages), fc.integer({ min: 0, max: 250 }))
              .map(([receiver, [sender, sequence, at], delay]) => [receiver, sender, sequence, at + delay] as const),
            { maxLength: 80 },
          );
    return fc.record({
      sentUs: fc.constant(sentUs),
      presences: fc.constant(presences),
      warmup: fc.tuple(...sentUs.map((times) => fc.nat(Math.min(3, times.length)))),
      leftUs: fc.tuple(
        ...sentUs.map(() =>
          fc.uniqueArray(timeUs, { maxLength: 2 }).map((times) => times.toSorted((one, other) => one - other)),
        ),
      ),
      arrivals: arrival.map((list) => list.toSorted((one, other) => one[3] - other[3])),
    });
  });

describe('the ledger', () => {
  test('counts what a naive ledger counts, whatever is lost, late, doubled, overtaken, left or slowed down', () => {
    fc.assert(
      fc.property(story, (told) => {
        expect(real(told)).toEqual(naive(told));
      }),
      { numRuns: 2_000 },
    );
  });

  test('is exact without a window: a copy of the first of 100 000 messages is a duplicate, a straggler is none', () => {
    const ledger = new DeliveryLedger(1);
    for (let sequence = 1; sequence <= 100_000; sequence += 1) if (sequence !== 500) ledger.record(0, sequence, false);
    expect(ledger.record(0, 1, false)).toBe('duplicate');
    expect(ledger.missing).toBe(1);
    expect(ledger.record(0, 500, false)).toBe('received');
    expect(ledger.record(0, 500, false)).toBe('duplicate');
    expect(ledger.missing).toBe(0);
    expect(ledger.reorderedWithin(0, 1, 100_000)).toBe(1);
  });

  test('a receiver that begins anew does not take an old message for a duplicate, and keeps its old account', () => {
    const ledger = new DeliveryLedger(2);
    for (const sequence of [1, 2, 4]) ledger.record(1, sequence, false);
    const before = ledger.detach(1, 1);
    expect(ledger.record(1, 2, false)).toBe('received');
    expect(before.countWithin(0, 1, 4)).toBe(3);
    expect(before.firstLostWithin(0, 1, 5)).toBe(3);
    expect(ledger.missing).toBe(0);
  });

  test('takes at most 16 bytes a pair', () => {
    const pairs = 2_000_000;
    let bytes = 0;
    class Counted extends Uint32Array {
      constructor(length: number) {
        super(length);
        bytes += this.byteLength;
      }
    }
    // Of the ledger alone: what the process holds falls at any moment by what other tests have left.
    vi.stubGlobal('Uint32Array', Counted);
    const ledger = new DeliveryLedger(pairs);
    vi.unstubAllGlobals();
    const perPair = bytes / pairs;
    expect(ledger.pairs).toBe(pairs);
    expect(perPair).toBeGreaterThan(7);
    expect(perPair).toBeLessThanOrEqual(16);
  });
});
