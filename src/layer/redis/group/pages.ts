import type { EntryPage, HistoryQuery, Position } from '../../layer.ts';
import { LayerError } from '../../../errors.ts';
import type { NodeParts } from '../connection/calls.ts';
import { groupOfKey } from '../connection/envelope.ts';
import type { Marked, Markers } from './markers.ts';
import { channelOf, fenceOf, keysOf, readLog, type LogPage } from './log.ts';
import type { Subscription } from './subscription.ts';
import type { Subscriptions } from './subscriptions.ts';

const triesMax = 8;

/** Readers ask for history by pages. */
export class Pages {
  readonly #parts: () => NodeParts;
  readonly #subscriptions: Subscriptions;
  readonly #markers: Markers;

  constructor(parts: () => NodeParts, subscriptions: Subscriptions, markers: Markers) {
    this.#parts = parts;
    this.#subscriptions = subscriptions;
    this.#markers = markers;
  }

  async read(group: string, query: HistoryQuery): Promise<EntryPage> {
    let hasCaughtUp = false;
    const caughtUp = (): void => {
      if (hasCaughtUp) return;
      hasCaughtUp = true;
      query.caughtUp?.();
    };
    const { calls } = this.#parts();
    try {
      return await calls.within(this.#readCovered(group, query, caughtUp), 'the history was not read');
    } catch (error) {
      // Who was told that there is no page is told nothing of its place any more.
      hasCaughtUp = true;
      throw error;
    }
  }

  async historyGroups(): Promise<string[]> {
    const { calls, settings } = this.#parts();
    const start = `${settings.prefix}:{`;
    const keys = await calls.ask((connection) => connection.keys(start, '}:log'));
    return keys.map((key) => groupOfKey(key.slice(start.length, -'}:log'.length)));
  }

  async flush(group: string | undefined): Promise<void> {
    const parts = this.#parts();
    for (const name of group === undefined ? await this.historyGroups() : [group]) {
      await parts.calls.ask((connection) =>
        connection.run('flush', keysOf(channelOf(parts.settings.prefix, name)), [
          fenceOf(parts, connection),
          parts.fresh(),
        ]),
      );
    }
  }

  /** A page that cannot be told from what is delivered meanwhile is read again. */
  async #readCovered(group: string, query: HistoryQuery, caughtUp: () => void): Promise<EntryPage> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const page = await this.#readOnce(group, query, caughtUp);
      if (page !== undefined) return entryPage(page, query);
    }
    throw new LayerError('CHANNELBOX_LAYER_UNKNOWN', `the history of a group that changes all the time was not read`);
  }

  async #readOnce(group: string, query: HistoryQuery, caughtUp: () => void): Promise<LogPage | undefined> {
    const parts = this.#parts();
    const subscription = this.#subscriptions.of(group);
    const { since, limit = -1, keep } = query;
    let place: PagePlace | undefined;
    /** Where an attempt was said to have been whose answer was lost, with its connection. */
    let said: Position | undefined;
    try {
      const page = await parts.calls.ask((connection) => {
        said ??= place?.said;
        place?.forget();
        place = subscription && said === undefined ? new PagePlace(subscription, this.#markers, caughtUp) : undefined;
        const marker = place?.id;
        const asked = { since, limit: said === undefined ? limit : -1, keep, isRecovery: false, marker } as const;
        return readLog(parts, connection, group, asked);
      });
      if (said !== undefined) return pageAt(page, said, query);
      if (subscription === undefined || place === undefined || subscription.isGone) {
        caughtUp();
        return page;
      }
      const position = { epoch: page.epoch, offset: page.top };
      if (!place.isMarked && isPast(subscription, position)) return undefined;
      const reached = place.reached(position);
      // No mark will come that says when everything before it is here.
      if (place.isLost) subscription.expect(position);
      // What was lost behind it has been told already: who is given this page would find a hole after it, in silence.
      return (await reached) ? page : undefined;
    } finally {
      place?.forget();
    }
  }
}

/** The place of one attempt to read a page, among what is delivered: by its mark, or else by what was read. */
class PagePlace {
  isMarked: boolean = false;
  /** The connection is gone by which its mark was to come. */
  isLost: boolean = false;
  /** Once the reader was told that it is reached. */
  said: Position | undefined = undefined;
  readonly #subscription: Subscription;
  readonly #marked: Marked;
  readonly #caughtUp: () => void;
  #covered: Promise<boolean> | undefined;
  #isForgotten = false;

  constructor(subscription: Subscription, markers: Markers, caughtUp: () => void) {
    this.#subscription = subscription;
    this.#caughtUp = caughtUp;
    this.#marked = markers.expectAt((position) => {
      this.isMarked = true;
      void this.reached(position);
      subscription.expect(position);
    });
    void this.#marked.here.then((isHere) => {
      this.isLost = !isHere;
    });
  }

  get id(): string {
    return this.#marked.id;
  }

  /** The place of an attempt without an answer says nothing of the page that the next one reads. */
  forget(): void {
    this.#isForgotten = true;
    this.#marked.forget();
  }

  /** @returns false where what follows does not follow on it */
  reached(position: Position): Promise<boolean> {
    this.#covered ??= new Promise((resolve) => {
      this.#subscription.reach(position, (isReached) => {
        if (isReached && !this.#isForgotten) {
          this.said = position;
          this.#caughtUp();
        }
        resolve(isReached);
      });
    });
    return this.#covered;
  }
}

/** A whole page as it was at an earlier place: what came after that is delivered beside it. */
function pageAt(page: LogPage, { epoch, offset }: Position, { limit = Infinity, keep }: HistoryQuery): LogPage {
  if (page.epoch !== epoch) {
    throw new LayerError(
      'CHANNELBOX_LAYER_UNKNOWN',
      'the history was not read: its answer was lost with the connection, and another epoch has begun since; ask again',
    );
  }
  const kept = page.entries.filter((entry) => entry.offset <= offset);
  const entries = keep === 'oldest' ? kept.slice(0, limit) : kept.slice(Math.max(0, kept.length - limit));
  return { ...page, top: offset, entries };
}

/** It has been handed more than the page holds, and nobody saw when. */
function isPast({ cursor }: Subscription, position: Position): boolean {
  return cursor !== undefined && cursor.epoch === position.epoch && cursor.offset > position.offset;
}

function entryPage(page: LogPage, query: HistoryQuery): EntryPage {
  const { epoch, top, first } = page;
  const { since, limit = Infinity, keep } = query;
  const isKnown = since !== undefined && since.epoch === epoch && since.offset <= top;
  const from = isKnown ? Math.max(since.offset + 1, first) : first;
  const isCut = top - from + 1 > limit;
  const entries = page.entries.flatMap(({ entry }) => entry ?? []);
  const isWhole = entries.length === page.entries.length;
  const recovered =
    (since === undefined || (isKnown && since.offset + 1 >= first)) && isWhole && !(isCut && keep === 'newest');
  const reached = isCut && keep === 'oldest' ? from + limit - 1 : top;
  return { entries, recovered, position: { epoch, offset: reached } };
}
