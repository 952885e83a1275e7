import { LayerError } from '../../../errors.ts';
import type { Missed, Position } from '../../layer.ts';
import type { NodeParts } from '../connection/calls.ts';
import { readLog, type LogPage } from './log.ts';
import type { Marked, Markers } from './markers.ts';
import type { Subscription } from './subscription.ts';

const pageEntries = 256;
const activeMax = 16;

/** A page, and how many had waited for a place of the group when it was asked for. */
interface Read {
  readonly page: LogPage;
  readonly waited: number;
}

/** Fills the holes of this node's groups from history: some groups at a time, a page of each, then the next turn. */
export class Recovery {
  readonly #parts: () => NodeParts;
  readonly #markers: Markers;
  /** Each with a token of its own, so that one that was called off knows. */
  readonly #running = new Map<Subscription, object>();
  readonly #queue: Subscription[] = [];
  #active = 0;

  constructor(parts: () => NodeParts, markers: Markers) {
    this.#parts = parts;
    this.#markers = markers;
  }

  recover(subscription: Subscription): void {
    if (this.#running.has(subscription)) return;
    this.#running.set(subscription, {});
    this.#queue.push(subscription);
    this.#next();
  }

  callOff(subscription: Subscription): void {
    this.#running.delete(subscription);
  }

  #next(): void {
    while (this.#active < activeMax) {
      const subscription = this.#queue.shift();
      if (subscription === undefined) return;
      const token = this.#running.get(subscription);
      if (token === undefined) continue;
      this.#active += 1;
      void this.#run(subscription, token);
    }
  }

  async #run(subscription: Subscription, token: object): Promise<void> {
    const { context } = this.#parts();
    const isOn = (): boolean => this.#running.get(subscription) === token && subscription.phase === 'recovering';
    let failures = 0;
    while (isOn()) {
      try {
        const read = await this.#read(subscription);
        failures = 0;
        if (read === undefined || !isOn()) continue;
        // All that was pushed before the log was read is here by now: what does not fit then, never will.
        const known = subscription.waitingCount;
        if (this.#apply(subscription, read) && !subscription.hasOverflowed) subscription.goOn(known);
      } catch (error) {
        if (!(error instanceof LayerError)) context.report(error);
        failures += 1;
        await context.clock.sleep(Math.min(2_000, 50 * 2 ** failures));
      }
    }
    if (this.#running.get(subscription) === token) this.#running.delete(subscription);
    this.#active -= 1;
    this.#next();
  }

  /** @returns undefined where the subscribe connection went meanwhile */
  async #read(subscription: Subscription): Promise<Read | undefined> {
    const { calls } = this.#parts();
    const { group, cursor } = subscription;
    subscription.hasOverflowed = false;
    let marked: Marked | undefined;
    let waited = 0;
    try {
      const page = await calls.ask((connection) => {
        // Of each attempt its own: the mark of one before is not behind all that this one reads.
        marked?.forget();
        marked = this.#markers.expect();
        ({ waited } = subscription);
        const query = {
          since: cursor,
          limit: pageEntries,
          keep: 'oldest',
          isRecovery: true,
          marker: marked.id,
        } as const;
        return readLog(this.#parts(), connection, group, query);
      });
      return (await marked?.here) === true ? { page, waited } : undefined;
    } finally {
      marked?.forget();
    }
  }

  /** @returns whether all that there is has been delivered */
  #apply(subscription: Subscription, { page, waited }: Read): boolean {
    const { counters } = this.#parts();
    const { cursor } = subscription;
    if (cursor?.epoch !== page.epoch) this.#reset(subscription, page, cursor);
    subscription.passOver(waited);
    subscription.runId = page.runId;
    for (const { offset, item, entry } of page.entries) {
      if (item !== undefined && entry !== undefined) subscription.recovered(entry, item);
      else if (offset === (subscription.cursor?.offset ?? 0) + 1) {
        counters.malformed += 1;
        subscription.tell('evicted', true);
        subscription.moveTo({ epoch: page.epoch, offset }, page.runId);
      }
    }
    const reached = subscription.cursor?.offset ?? 0;
    if (reached >= page.top || page.entries.length > 0) return reached >= page.top;
    // The log went between two looks at it: what it held is gone.
    subscription.tell('evicted', true);
    subscription.moveTo({ epoch: page.epoch, offset: page.top }, page.runId);
    return true;
  }

  #reset(subscription: Subscription, page: LogPage, cursor: Position | undefined): void {
    const { counters, settings, context } = this.#parts();
    counters.resets += 1;
    const { reason, start } = newStart(subscription, page, cursor);
    if (reason !== undefined) {
      subscription.tell(reason, true);
      context.report(
        new LayerError(
          'CHANNELBOX_LAYER_GAP',
          `saved messages of group ${JSON.stringify(subscription.group)} after ${cursor?.offset ?? 0} are lost (${reason}), prefix ${settings.prefix}; onMissed was told`,
        ),
      );
    }
    if (page.why === 'trimmed') subscription.carryOver(page.previous, page.epoch);
    const goesOn = page.why === 'trimmed' || page.why === 'restart';
    subscription.moveTo({ epoch: page.epoch, offset: start }, page.runId, goesOn ? page.previous.epoch : undefined);
    subscription.leaveBehind(page.epoch);
  }
}

/** Where a node goes on in another epoch, and why that is a loss for it, if it is one. */
function newStart(
  subscription: Subscription,
  page: LogPage,
  cursor: Position | undefined,
): { readonly start: number; readonly reason: Missed['reason'] | undefined } {
  const { why, base, first, previous } = page;
  const offset = cursor?.offset ?? 0;
  const ofBase = Math.max(base, first - 1);
  if (cursor !== undefined && cursor.epoch === previous.epoch) {
    if (why === 'trimmed') {
      // Numbering went on: who had everything before has lost nothing.
      const isWhole = offset + 1 >= first;
      return { start: isWhole ? offset : first - 1, reason: isWhole ? undefined : 'trimmed' };
    }
    if (why === 'flushed') return { start: ofBase, reason: offset >= previous.offset ? undefined : 'trimmed' };
    return { start: ofBase, reason: 'restart' };
  }
  const isSameRun = page.runId !== '' && page.runId === subscription.runId;
  if (isSameRun && why === 'new' && offset === 0) return { start: ofBase, reason: undefined };
  return { start: ofBase, reason: isSameRun ? 'evicted' : 'restart' };
}
