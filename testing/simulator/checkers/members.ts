import type { Checker } from '../api/event.ts';
import { indexOf, isStaying, type ConnectionFacts, type DeliverEvent, type HistoryIndex } from './index-of.ts';

/** This checker asks that who is a member when a node delivers, reads, and stays, has received it at rest. */
export function everyMemberGotIt(): Checker {
  return {
    name: 'everyMemberGotIt',
    when: 'rest',
    check: (run) => {
      const index = indexOf(run);
      // By delivery, the connections that it came to.
      const gotLive = new Map<number, Set<number>>();
      for (const { conn, receipts } of index.connections.values()) {
        for (const { of } of receipts) if (of !== undefined) gotLive.set(of, (gotLive.get(of) ?? new Set()).add(conn));
      }
      let checked = 0;
      for (const delivery of index.deliveries.values()) {
        if (delivery.stamps.length === 0) continue;
        for (const facts of index.receiversOf.get(delivery.no) ?? []) {
          const { c: name } = facts;
          if (!isStaying(facts) || delivery.denied?.includes(name) === true) continue;
          checked += 1;
          if (gotLive.get(delivery.no)?.has(facts.conn) === true || isInPage(facts, delivery)) continue;
          if (mayBeBeforePage(facts, delivery, index)) continue;
          const message = `${name} was a member of ${delivery.group} on ${delivery.node} at ${delivery.t} ms, stayed, and never got ${delivery.stamps.join(' ')}`;
          const sent = index.said.get(delivery.stamps[0] as string);
          return { checked, fault: { message, witness: [...(sent === undefined ? [] : [sent]), delivery] } };
        }
      }
      return { checked };
    },
  };
}

/** The page has the message. */
function isInPage({ receipts }: ConnectionFacts, { t, stamps }: DeliverEvent): boolean {
  return receipts.some(
    (got) => got.of === undefined && got.t >= t && stamps.every((stamp) => got.stamps.includes(stamp)),
  );
}

/**
 * Who resumes is owed the page and what follows it, not what was saved and delivered before that: it may have said that it has
 * it already, or asked for fewer. Whether its page leaves a gap is for `noSilentGap` to say, where it has positions; a page with
 * something older and without this one leaves one for sure.
 */
function mayBeBeforePage({ receipts }: ConnectionFacts, delivery: DeliverEvent, index: HistoryIndex): boolean {
  const { t, position } = delivery;
  const [first] = receipts;
  if (position === undefined || first === undefined || first.of !== undefined || first.t < t) return false;
  return !first.stamps.some((stamp) => isOlder(stamp, delivery, index));
}

function isOlder(stamp: string, { group, position }: DeliverEvent, index: HistoryIndex): boolean {
  return (index.deliveriesOf.get(stamp) ?? []).some(
    (other) =>
      other.group === group &&
      other.position?.epoch === position?.epoch &&
      (other.position?.offset ?? Infinity) < (position?.offset ?? 0),
  );
}
