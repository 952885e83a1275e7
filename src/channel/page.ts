import type { Delivery } from '../api.ts';
import type { Entry, EntryPage, HistoryEntry, HistoryPage, Published } from '../layer/layer.ts';
import { decodePayload } from '../protocol/codec.ts';

/** What a layer answers, as callers see it: payloads decoded, a value of their own for each reader. */
export function publicEntry({ uuid, created, payload, position }: Entry): HistoryEntry {
  return { uuid, created, payload: decodePayload(payload), position };
}

export function publicPage({ entries, recovered, position }: EntryPage): HistoryPage {
  return { messages: entries.map(publicEntry), recovered, position };
}

/** What became of a publish. */
export function deliveryOf({ counts, exists, nodes, position }: Published): Delivery {
  const status = exists ? 'GROUP_SEND' : 'NO_SUCH_GROUP';
  return position === undefined ? { status, ...counts, nodes } : { status, ...counts, nodes, position };
}
