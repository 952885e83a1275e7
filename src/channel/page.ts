/** A page has the messages of each group, in their order. */
import type { Delivery, GroupSendOptions } from '../api.ts';
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
  // Member by member: a spread makes an object of another hidden class each time.
  const { members, sent, queued, dropped, closed } = counts;
  return position === undefined
    ? { status, members, sent, queued, dropped, closed, nodes }
    : { status, members, sent, queued, dropped, closed, nodes, position };
}

/** Of each group, in their order. */
export async function pagesOf(
  groups: readonly string[],
  read: (group: string) => Promise<HistoryPage>,
): Promise<Map<string, HistoryPage>> {
  const pages = new Map<string, HistoryPage>();
  for (const group of groups) pages.set(group, await read(group));
  return pages;
}

/** Whom a message leaves out, by the ids that other nodes know. */
export function idsOf(except: GroupSendOptions['except']): readonly string[] {
  if (except === undefined) return [];
  return Symbol.iterator in except ? Array.from(except, (channel) => channel.uuid) : [except.uuid];
}
