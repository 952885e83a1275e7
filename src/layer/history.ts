import { BoxError } from '../errors.ts';
import type { Entry, EntryPage, HistoryBounds, HistoryQuery, Position } from './layer.ts';
import { payloadBytes } from '../protocol/codec.ts';
import type { Payload } from '../protocol/payload.ts';

interface KeptEntry extends Entry {
  readonly bytes: number;
  readonly key: string | undefined;
  /** Monotonic, so that a jump of the wall clock ages nothing. */
  readonly atMs: number;
}

/** What a kept message costs besides its payload, and a group besides its messages: measured, and rounded up. */
const entryCostBytes = 512;
const groupCostBytes = 1024;

/**
 * Keeps the newest messages of one group.
 *
 * Bounds: bytes, count and age; the oldest leave first (Nexios empties the whole list instead: channels.py, group_send).
 * Append and trim are O(1) amortised: what has left stays in the array until it is half of it.
 */
export class History {
  readonly epoch: string;
  #kept: KeptEntry[] = [];
  #head = 0;
  #offset = 0;
  #bytes = 0;
  /** Of kept messages that came with one: most groups have none. */
  #keys: Map<string, Position> | undefined = undefined;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  /** What keeping it costs, in bytes: the payloads, and what lies around each of them and around the group. */
  get costBytes(): number {
    return this.#bytes + this.count * entryCostBytes + groupCostBytes;
  }

  get count(): number {
    return this.#kept.length - this.#head;
  }

  get position(): Position {
    return { epoch: this.epoch, offset: this.#offset };
  }

  /** When the newest entry was written, monotonic milliseconds. */
  get newestMs(): number {
    return this.#kept.at(-1)?.atMs ?? -Infinity;
  }

  /** @throws {BoxError} `CHANNELBOX_MESSAGE_TOO_LARGE` when one payload alone exceeds `bounds.bytesMax` */
  append(
    payload: Payload,
    stamp: { uuid: string; created: number; atMs: number; key?: string | undefined },
    bounds: HistoryBounds,
  ): Entry {
    const bytes = payloadBytes(payload);
    const { uuid, created, atMs, key } = stamp;
    if (bytes > bounds.bytesMax) {
      throw new BoxError(
        'CHANNELBOX_MESSAGE_TOO_LARGE',
        `payload is ${bytes} bytes, limit ${bounds.bytesMax}; raise historySize or send a link`,
      );
    }
    this.#offset += 1;
    const position = { epoch: this.epoch, offset: this.#offset };
    const entry: KeptEntry = { uuid, created, atMs, key, payload, bytes, position };
    this.#kept.push(entry);
    this.#bytes += bytes;
    if (key !== undefined) (this.#keys ??= new Map<string, Position>()).set(key, position);
    this.trim(atMs, bounds);
    return entry;
  }

  /** Of the kept message that came with that key. */
  positionOf(key: string): Position | undefined {
    return this.#keys?.get(key);
  }

  /** Lets go of what is too old, too many or too large. */
  trim(nowMs: number, bounds: HistoryBounds): void {
    for (;;) {
      const oldest = this.#kept[this.#head];
      if (oldest === undefined) break;
      const isOver = this.#bytes > bounds.bytesMax || this.count > bounds.countMax;
      if (!isOver && nowMs - oldest.atMs < bounds.ttlMs) break;
      this.dropOldest();
    }
  }

  dropOldest(): void {
    const oldest = this.#kept[this.#head];
    if (oldest === undefined) return;
    this.#head += 1;
    this.#bytes -= oldest.bytes;
    if (oldest.key !== undefined) this.#keys?.delete(oldest.key);
    if (this.#head * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#head);
      this.#head = 0;
    }
  }

  read(query: HistoryQuery): EntryPage {
    const { since, limit = Infinity, keep } = query;
    const top = this.#offset;
    const oldestOffset = top - this.count + 1;
    const isKnown = since !== undefined && since.epoch === this.epoch && since.offset <= top;
    const fromOffset = isKnown ? Math.max(since.offset + 1, oldestOffset) : oldestOffset;
    let recovered = since === undefined || (isKnown && since.offset + 1 >= oldestOffset);
    let start = this.#head + (fromOffset - oldestOffset);
    let end = this.#kept.length;
    if (end - start > limit) {
      if (keep === 'oldest') end = start + limit;
      else {
        start = end - limit;
        recovered = false;
      }
    }
    const entries = this.#kept.slice(start, end);
    const reached = end === this.#kept.length ? top : fromOffset + entries.length - 1;
    return { entries, recovered, position: { epoch: this.epoch, offset: reached } };
  }
}
