import type { Checker, SimEvent, SimView } from '../api/event.ts';
import { indexOf, type ConnectionFacts, type HistoryIndex, type Spoken } from './index-of.ts';

export interface FrameFilter {
  /** Which frames count; default all. */
  // oxlint-disable-next-line no-explicit-any -- a frame is what the app sends
  readonly frames?: (frame: any) => boolean;
}

/** A message as a connection got it. */
interface Got {
  readonly stamp: string;
  readonly receipt: Spoken;
  readonly group: string | undefined;
}

/** Messages of one connection in one group reach each receiver in the order of sending. */
export function perSenderFifo(options: FrameFilter = {}): Checker {
  return {
    name: 'perSenderFifo',
    check: (run) => {
      const index = indexOf(run);
      let checked = 0;
      for (const facts of index.connections.values()) {
        const lastOf = new Map<string, { order: number; got: Got }>();
        const seen = new Set<string>();
        for (const got of gotBy(facts, index, options)) {
          const sent = index.said.get(got.stamp);
          if (sent === undefined || got.group === undefined) continue;
          const key = `${got.group} ${got.stamp}`;
          if (seen.has(key)) continue;
          seen.add(key);
          const order = index.orderOf.get(got.stamp) as number;
          const keyOf = (way: Way): string => `${sent.conn} ${got.group} ${way}`;
          const { behind, counts } = placeOf(got.receipt, index);
          for (const way of behind) {
            const before = lastOf.get(keyOf(way));
            if (before === undefined) continue;
            checked += 1;
            if (before.order > order) return { checked, fault: outOfOrder(facts, before.got, got, index) };
          }
          for (const way of counts) lastOf.set(keyOf(way), { order, got });
        }
      }
      return { checked };
    },
  };
}

type Way = 'page' | 'live' | 'saved';

interface WayPlace {
  readonly behind: readonly Way[];
  readonly counts: readonly Way[];
}

const places: Readonly<Record<Way, WayPlace>> = {
  page: { behind: ['page'], counts: ['page', 'saved'] },
  live: { behind: ['live'], counts: ['live'] },
  saved: { behind: ['live', 'saved'], counts: ['live', 'saved'] },
};

/**
 * The orders that a message comes behind in, and those it counts in. Live ones keep one, and pages; what is saved and live comes
 * behind the page as well. What is not saved is in no page and follows it, whatever of the page was said after it; and a
 * member that asks for a page may read back.
 */
function placeOf({ of }: Spoken, index: HistoryIndex): WayPlace {
  if (of === undefined) return places.page;
  return index.deliveries.get(of)?.position === undefined ? places.live : places.saved;
}

function outOfOrder(
  { c }: ConnectionFacts,
  first: Got,
  second: Got,
  index: HistoryIndex,
): { message: string; witness: SimEvent[] } {
  const sent = [index.said.get(second.stamp), index.said.get(first.stamp)] as SimEvent[];
  const receipts = first.receipt === second.receipt ? [first.receipt] : [first.receipt, second.receipt];
  return {
    message: `${c} got ${first.stamp} before ${second.stamp} in ${first.group ?? 'a group'}, which ${index.said.get(first.stamp)?.c ?? 'one client'} sent the other way round`,
    witness: [...sent, ...receipts],
  };
}

/** No connection receives a message twice, live frames and pages together. */
export function noDuplicates(options: FrameFilter = {}): Checker {
  return {
    name: 'noDuplicates',
    check: (run) => {
      const index = indexOf(run);
      let checked = 0;
      for (const facts of index.connections.values()) {
        const seen = new Map<string, Got>();
        for (const got of gotBy(facts, index, options)) {
          checked += 1;
          const key = `${got.group ?? ''} ${got.stamp}`;
          const before = seen.get(key);
          if (before !== undefined) {
            const { receipt } = before;
            const receipts = receipt === got.receipt ? [receipt] : [receipt, got.receipt];
            return {
              checked,
              fault: { message: `${facts.c} got ${got.stamp} twice on one connection`, witness: receipts },
            };
          }
          seen.set(key, got);
        }
      }
      return { checked };
    },
  };
}

/** What a group is sent reaches only who is a member, and not excepted, when its node delivers it. */
export function onlyMembers(): Checker {
  return {
    name: 'onlyMembers',
    check: (run: SimView) => {
      const index = indexOf(run);
      let checked = 0;
      for (const facts of index.connections.values()) {
        for (const receipt of facts.receipts) {
          const delivery = receipt.of === undefined ? undefined : index.deliveries.get(receipt.of);
          if (delivery === undefined) continue;
          checked += 1;
          if (delivery.conns?.includes(facts.conn) ?? delivery.members.includes(facts.c)) continue;
          const message = `${facts.c} got what ${delivery.group} was sent at ${delivery.t} ms, and was no member of it then, or excepted`;
          return { checked, fault: { message, witness: [delivery, receipt] } };
        }
      }
      return { checked };
    },
  };
}

function gotBy(facts: ConnectionFacts, index: HistoryIndex, { frames }: FrameFilter): Got[] {
  return facts.receipts.flatMap((receipt) => {
    if (receipt.stamps.length === 0) return [];
    if (frames !== undefined && !frames(index.frameOf(receipt))) return [];
    return receipt.stamps.map((stamp) => ({ stamp, receipt, group: index.groupOf(receipt, stamp) }));
  });
}
