import type { Checker, SimEvent } from '../api/event.ts';
import { hasFault, indexOf, isStaying, type ConnectionFacts, type HistoryIndex } from './index-of.ts';

export interface SettledFrames {
  /** The group that a frame tells its receiver it is in now. */
  // oxlint-disable-next-line no-explicit-any -- a frame is what the app sends
  joined(frame: any): string | undefined;
  /** The group that a client leaves by sending this. */
  // oxlint-disable-next-line no-explicit-any -- what a client sends is its own affair
  left(sent: any): string | undefined;
  /** The group that a client sends this to. */
  // oxlint-disable-next-line no-explicit-any -- the same
  to(sent: any): string | undefined;
}

interface Settled {
  readonly facts: ConnectionFacts;
  readonly group: string;
  readonly event: SimEvent;
}

/**
 * This checker asks that who was told that it is in, and stays, receives all that clients send to the group after
 * that. Layer faults void it for what is not saved.
 */
export function everySettledMemberGotIt(frames: SettledFrames): Checker {
  return {
    name: 'everySettledMemberGotIt',
    when: 'rest',
    check: (run) => {
      const index = indexOf(run);
      const settled = [...index.connections.values()].flatMap((facts) =>
        isStaying(facts) ? settledIn(facts, frames, index) : [],
      );
      let checked = 0;
      for (const sender of index.connections.values()) {
        if (!wasHeard(sender)) continue;
        for (const sent of sender.sends) {
          const group = sent.stamps.length === 0 ? undefined : frames.to(index.frameOf(sent));
          if (group === undefined || isVoid(sent.stamps, index)) continue;
          for (const member of settled) {
            if (member.group !== group || member.event.t > sent.t) continue;
            checked += 1;
            const gotIt = member.facts.receipts.some(({ stamps }) =>
              sent.stamps.some((stamp) => stamps.includes(stamp)),
            );
            if (gotIt) continue;
            const message = `${member.facts.c} was told at ${member.event.t} ms that it is in ${group}, stayed, and never got ${sent.stamps.join(' ')} of ${sender.c}`;
            return { checked, fault: { message, witness: [member.event, sent] } };
          }
        }
      }
      return { checked };
    },
  };
}

function settledIn(facts: ConnectionFacts, frames: SettledFrames, index: HistoryIndex): Settled[] {
  const left = new Set(facts.sends.map((sent) => frames.left(index.frameOf(sent))));
  const found = new Map<string, Settled>();
  for (const receipt of facts.receipts) {
    const group = frames.joined(index.frameOf(receipt));
    if (group === undefined || left.has(group) || found.has(group)) continue;
    found.set(group, { facts, group, event: receipt });
  }
  return [...found.values()];
}

/** What it sent has reached the server for sure: it is there still. */
function wasHeard(facts: ConnectionFacts): boolean {
  if (facts.crashed !== undefined || hasFault(facts, 'cut', 'halfOpen', 'crash', 'drain')) return false;
  return isStaying(facts);
}

function isVoid(stamps: readonly string[], index: HistoryIndex): boolean {
  if (index.layerFaults.length === 0) return false;
  const deliveries = stamps.flatMap((stamp) => index.deliveriesOf.get(stamp) ?? []);
  return !deliveries.some(({ position }) => position !== undefined);
}
