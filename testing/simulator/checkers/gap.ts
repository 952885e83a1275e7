import type { Checker, SimEvent } from '../api/event.ts';
import { indexOf, type ConnectionFacts, type HistoryIndex, type Spoken } from './index-of.ts';

type PositionLike = string | { readonly epoch: string; readonly offset: number };
interface Page {
  // oxlint-disable-next-line no-explicit-any -- a message is what the app sends
  readonly messages: readonly any[];
  readonly recovered: boolean;
  readonly position?: unknown;
}

export interface GapFrames {
  // oxlint-disable-next-line no-explicit-any -- a frame is what the app sends
  position(frame: any): PositionLike | undefined;
  // oxlint-disable-next-line no-explicit-any -- the same
  page?(frame: any): Page | undefined;
  /** What the connection asked with, to hold `recovered` to the truth. */
  since?(c: string, conn: number, history: readonly SimEvent[]): unknown;
}

interface Place {
  readonly epoch: string;
  readonly offset: number;
}

interface Reached {
  readonly place: Place;
  readonly event: Spoken;
}

interface Reading {
  readonly facts: ConnectionFacts;
  readonly since: Place | undefined;
  readonly frames: GapFrames;
  readonly index: HistoryIndex;
  readonly reached: Map<string, Reached>;
  checked: number;
}

interface GapFault {
  readonly message: string;
  readonly witness: readonly SimEvent[];
}

/** Positions go up by one within an epoch, page and live frames together; a gap only behind a page that says `recovered: false`. */
export function noSilentGap(frames: GapFrames): Checker {
  return {
    name: 'noSilentGap',
    check: (run) => {
      const index = indexOf(run);
      let checked = 0;
      for (const facts of index.connections.values()) {
        const since = placeOf(frames.since?.(facts.c, facts.conn, run.history));
        const reading: Reading = { facts, since, frames, index, reached: new Map(), checked: 0 };
        const fault = readAll(reading);
        checked += reading.checked;
        if (fault !== undefined) return { checked, fault };
      }
      return { checked };
    },
  };
}

function readAll(reading: Reading): GapFault | undefined {
  for (const event of reading.facts.receipts) {
    const frame = reading.index.frameOf(event);
    const page = reading.frames.page?.(frame);
    const fault = page === undefined ? readLive(reading, event, frame) : readPage(reading, event, page);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function readLive(reading: Reading, event: Spoken, frame: unknown): GapFault | undefined {
  const place = placeOf(reading.frames.position(frame));
  return place === undefined ? undefined : follow(reading, streamOf(reading, event), place, event);
}

function readPage(reading: Reading, event: Spoken, page: Page): GapFault | undefined {
  const { facts, since, frames } = reading;
  const stream = streamOf(reading, event);
  const places = page.messages.flatMap((message) => placeOf(frames.position(message)) ?? []);
  const end = placeOf(page.position) ?? places.at(-1);
  const before = reading.reached.get(stream)?.place ?? since;
  reading.checked += 1;
  if (page.recovered && before !== undefined) {
    const next = places[0] ?? (end === undefined ? undefined : { ...end, offset: end.offset + 1 });
    const isWhole = next === undefined || (next.epoch === before.epoch && next.offset <= before.offset + 1);
    if (!isWhole) {
      const message = `${facts.c} asked from ${wordsOf(before)} and was told recovered: true, and the page begins with ${wordsOf(next)}`;
      return { message, witness: [facts.connected, event] };
    }
  }
  for (const [at, place] of places.entries()) {
    const last = places[at - 1];
    if (last === undefined || (place.epoch === last.epoch && place.offset === last.offset + 1)) continue;
    return { message: `a page for ${facts.c} goes from ${wordsOf(last)} to ${wordsOf(place)}`, witness: [event] };
  }
  const last = places.at(-1);
  if (end !== undefined && last !== undefined && (end.epoch !== last.epoch || end.offset !== last.offset)) {
    const message = `a page for ${facts.c} says that it ends at ${wordsOf(end)}, and its last message is ${wordsOf(last)}`;
    return { message, witness: [event] };
  }
  if (end !== undefined) reading.reached.set(stream, { place: end, event });
  return undefined;
}

function follow(reading: Reading, stream: string, place: Place, event: Spoken): GapFault | undefined {
  const { reached, facts } = reading;
  const last = reached.get(stream);
  reached.set(stream, { place, event });
  if (last === undefined) return undefined;
  reading.checked += 1;
  // Who sees another epoch knows that what it knew is over.
  if (last.place.epoch !== place.epoch || place.offset === last.place.offset + 1) return undefined;
  const message = `${facts.c} was at ${wordsOf(last.place)} and got ${wordsOf(place)} next, without a word`;
  return { message, witness: [last.event, event] };
}

/** Positions of one group: of the delivery, of the messages in a page, else of the only group that the connection is in. */
function streamOf({ facts, index }: Reading, event: Spoken): string {
  const delivery = event.of === undefined ? undefined : index.deliveries.get(event.of);
  if (delivery !== undefined) return delivery.group;
  const [first] = facts.joins;
  if (first !== undefined && facts.joins.every(({ group }) => group === first.group)) return first.group;
  const ofStamps = event.stamps.map((stamp) => index.groupOf(event, stamp)).find((group) => group !== undefined);
  return ofStamps ?? '';
}

function placeOf(position: unknown): Place | undefined {
  if (typeof position === 'string') {
    const parts = /^(.*)\D(\d+)$/s.exec(position);
    return parts === null ? undefined : { epoch: parts[1] as string, offset: Number(parts[2]) };
  }
  if (typeof position !== 'object' || position === null) return undefined;
  const { epoch, offset } = position as Partial<Place>;
  return typeof epoch === 'string' && typeof offset === 'number' ? { epoch, offset } : undefined;
}

function wordsOf({ epoch, offset }: Place): string {
  return `${epoch}:${offset}`;
}
