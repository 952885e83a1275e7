import type { Checker } from '../api/event.ts';
import { indexOf, isStaying, type ConnectionFacts, type DeliverEvent, type HistoryIndex } from './index-of.ts';

/** Who is a member when a node delivers, reads, and stays, has received it at rest. */
export function everyMemberGotIt(): Checker {
  return {
    name: 'everyMemberGotIt',
    when: 'rest',
    check: (run) => {
      const index = indexOf(run);
      const gotLive = new Set<string>();
      for (const facts of index.connections.values()) {
        for (const { of } of facts.receipts) if (of !== undefined) gotLive.add(`${facts.conn} ${of}`);
      }
      let checked = 0;
      for (const delivery of index.deliveries.values()) {
        if (delivery.stamps.length === 0) continue;
        for (const facts of index.receiversOf.get(delivery.no) ?? []) {
          const { c: name } = facts;
          if (!isStaying(facts) || delivery.denied?.includes(name) === true) continue;
          checked += 1;
          if (gotLive.has(`${facts.conn} ${delivery.no}`) || isInPage(facts, delivery, index)) continue;
          const message = `${name} was a member of ${delivery.group} on ${delivery.node} at ${delivery.t} ms, stayed, and never got ${delivery.stamps.join(' ')}`;
          const sent = index.said.get(delivery.stamps[0] as string);
          return { checked, fault: { message, witness: [...(sent === undefined ? [] : [sent]), delivery] } };
        }
      }
      return { checked };
    },
  };
}

/** Who resumes is owed the page and what follows it: the page has the message, or goes further than it. */
function isInPage({ receipts }: ConnectionFacts, delivery: DeliverEvent, index: HistoryIndex): boolean {
  return receipts.some((receipt) => {
    if (receipt.of !== undefined || receipt.t < delivery.t) return false;
    if (delivery.stamps.every((stamp) => receipt.stamps.includes(stamp))) return true;
    if (delivery.position === undefined) return false;
    return receipt.stamps.some((stamp) =>
      index.deliveriesOf.get(stamp)?.some(({ group, position }) => {
        const isSameLog = group === delivery.group && position?.epoch === delivery.position?.epoch;
        return isSameLog && (position?.offset ?? 0) > (delivery.position?.offset ?? 0);
      }),
    );
  });
}
