import type { EntryPage, HistoryQuery, Position } from '../../layer.ts';
import { LayerError } from '../../../errors.ts';
import type { NodeParts } from '../connection/calls.ts';
import { groupOfKey } from '../connection/envelope.ts';
import type { Markers } from './markers.ts';
import { fenceOf, keysOf, readLog, type LogPage } from './log.ts';
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
    return calls.within(this.#readCovered(group, query, caughtUp), 'the history was not read');
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
        connection.run('flush', keysOf(parts.settings.prefix, name), [fenceOf(parts, connection), parts.fresh()]),
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
    const subscription = this.#subscriptions.of(group);
    let isMarked = false;
    let covered: Promise<void> | undefined;
    const cover = (position: Position): void => {
      covered ??= new Promise((resolve) => {
        subscription?.reach(position, () => {
          caughtUp();
          resolve();
        });
      });
    };
    const marked = this.#markers.expectAt((position) => {
      isMarked = true;
      cover(position);
      subscription?.expect(position);
    });
    try {
      const parts = this.#parts();
      const isHeard = subscription !== undefined;
      const page = await parts.calls.ask((connection) =>
        readLog(parts, connection, group, {
          since: query.since,
          limit: query.limit ?? -1,
          keep: query.keep,
          isRecovery: false,
          marker: isHeard ? marked.id : undefined,
        }),
      );
      if (subscription === undefined || subscription.isGone) {
        caughtUp();
        return page;
      }
      const position = { epoch: page.epoch, offset: page.top };
      if (!isMarked && isPast(subscription, position)) return undefined;
      cover(position);
      await covered;
      return page;
    } finally {
      marked.forget();
    }
  }
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
