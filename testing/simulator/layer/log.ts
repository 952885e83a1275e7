import {
  BoxError,
  type EntryPage,
  type HistoryBounds,
  type HistoryQuery,
  type LayerEntry,
  type Payload,
} from '../../../src/index.ts';

interface Kept extends LayerEntry {
  readonly bytes: number;
  readonly atMs: number;
  readonly key: string | undefined;
}

/** One group's history as the simulated broker keeps it: the newest, within the bounds of whoever wrote last. */
export class GroupLog {
  readonly epoch: string;
  #kept: Kept[] = [];
  #offset = 0;
  #bytes = 0;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of the message that was published under that key, while it is kept. */
  byKey(key: string): LayerEntry | undefined {
    return this.#kept.find((entry) => entry.key === key);
  }

  /** @throws {BoxError} `CHANNELBOX_MESSAGE_TOO_LARGE` */
  append(
    payload: Payload,
    stamp: { readonly uuid: string; readonly created: number; readonly atMs: number; readonly key: string | undefined },
    bounds: HistoryBounds,
  ): LayerEntry {
    const bytes = payload.kind === 'bytes' ? payload.bytes.byteLength : Buffer.byteLength(payload.text);
    if (bytes > bounds.bytesMax) {
      throw new BoxError(
        'CHANNELBOX_MESSAGE_TOO_LARGE',
        `payload is ${bytes} bytes, limit ${bounds.bytesMax}; raise historySize or send a link`,
      );
    }
    this.#offset += 1;
    const position = { epoch: this.epoch, offset: this.#offset };
    const { uuid, created, atMs, key } = stamp;
    const entry: Kept = { uuid, created, atMs, key, payload, bytes, position };
    this.#kept.push(entry);
    this.#bytes += bytes;
    this.trim(stamp.atMs, bounds);
    return plainOf(entry);
  }

  /** The same messages in another epoch. */
  copy(epoch: string): GroupLog {
    const copy = new GroupLog(epoch);
    copy.#kept = this.#kept.map((entry) => ({ ...entry, position: { ...entry.position, epoch } }));
    copy.#offset = this.#offset;
    copy.#bytes = this.#bytes;
    return copy;
  }

  trim(nowMs: number, bounds: HistoryBounds): void {
    for (;;) {
      const oldest = this.#kept[0];
      if (oldest === undefined) break;
      const isOver = this.#bytes > bounds.bytesMax || this.#kept.length > bounds.countMax;
      if (!isOver && nowMs - oldest.atMs < bounds.ttlMs) break;
      this.#kept.shift();
      this.#bytes -= oldest.bytes;
    }
  }

  read({ since, limit = Infinity, keep }: HistoryQuery): EntryPage {
    const top = this.#offset;
    const oldest = top - this.#kept.length + 1;
    const isKnown = since !== undefined && since.epoch === this.epoch && since.offset <= top;
    const from = isKnown ? Math.max(since.offset + 1, oldest) : oldest;
    const wanted = this.#kept.filter(({ position }) => position.offset >= from);
    const isCut = wanted.length > limit;
    const entries = !isCut ? wanted : keep === 'oldest' ? wanted.slice(0, limit) : wanted.slice(wanted.length - limit);
    const isWhole = since === undefined || (isKnown && since.offset + 1 >= oldest);
    const reached = isCut && keep === 'oldest' ? from + entries.length - 1 : top;
    return {
      entries: entries.map(plainOf),
      recovered: isWhole && !(isCut && keep === 'newest'),
      position: { epoch: this.epoch, offset: reached },
    };
  }
}

function plainOf({ uuid, created, payload, position }: Kept): LayerEntry {
  return { uuid, created, payload, position };
}
