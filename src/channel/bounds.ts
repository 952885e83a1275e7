import { BoxError, LimitError } from '../errors.ts';
import type { ChannelLayer, HistoryBounds, HistoryEntry, Missed, Position } from '../layer/layer.ts';

export interface BoxBounds {
  /** Payload bytes kept for each group, 1 MiB; environment CHANNEL_BOX_HISTORY_SIZE. */
  historySize?: number;
  /** Messages kept for each group, 10 000. */
  historyCount?: number;
  /** 24 h. */
  historyTtlMs?: number;
  /** Over all groups, what keeping costs included (512 bytes a message, 1 024 a group), 64 MiB; the group written longest ago is emptied first. */
  historyTotalBytes?: number;
}

/** What a box is made with: bounds of its history, its layer, and what it tells the app. */
export interface ChannelBoxOptions extends BoxBounds {
  /** Default: this process alone, in memory. */
  layer?: ChannelLayer;
  /** Whether the socket of an expired channel closes, with 4408; else it only leaves its groups. Default true. */
  closeExpired?: boolean;
  /** What members receive of a saved message, for clients that resume by position; default: the payload alone. */
  frame?: (entry: HistoryEntry, group: string) => unknown;
  /** Members of this node have missed messages of a group that no history can give back; called before anything newer reaches them. */
  onMissed?: (group: string, what: Missed) => void;
}

/** Under `u` a whole pair is one character, so that only halves are left to match. */
const halfSurrogate = /\p{Surrogate}/u;

const mebibyte = 1024 * 1024;

/** @throws {BoxError} `CHANNELBOX_BOX_OPTIONS` */
export function boundsOf(options: BoxBounds): HistoryBounds {
  const ofEnvironment = process.env['CHANNEL_BOX_HISTORY_SIZE'];
  const historySize = options.historySize ?? (ofEnvironment ? Number(ofEnvironment) : mebibyte);
  return {
    bytesMax: checkBound('historySize (or CHANNEL_BOX_HISTORY_SIZE)', historySize),
    countMax: checkBound('historyCount', options.historyCount ?? 10_000),
    ttlMs: checkBound('historyTtlMs', options.historyTtlMs ?? 24 * 60 * 60 * 1000),
    totalBytesMax: checkBound('historyTotalBytes', options.historyTotalBytes ?? 64 * mebibyte),
  };
}

function checkBound(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new BoxError('CHANNELBOX_BOX_OPTIONS', `${name} is ${String(value)}; allowed is a number from 0 on`);
}

/** @throws {BoxError} `CHANNELBOX_GROUP_NAME`; {LimitError} `CHANNELBOX_GROUP_NAME_BYTES` */
export function checkGroupName(group: string, bytesMax: number): void {
  if (typeof group !== 'string' || group === '') {
    const came = group === '' ? 'an empty string' : typeof group;
    throw new BoxError('CHANNELBOX_GROUP_NAME', `a group's name is ${came}; allowed is any text of 1 byte or more`);
  }
  if (halfSurrogate.test(group)) {
    throw new BoxError('CHANNELBOX_GROUP_NAME', "a group's name holds half a surrogate pair, which has no UTF-8");
  }
  if (group.length * 3 <= bytesMax) return;
  const bytes = Buffer.byteLength(group);
  if (bytes <= bytesMax) return;
  throw new LimitError(
    'CHANNELBOX_GROUP_NAME_BYTES',
    `a group's name is ${bytes} bytes, limit ${bytesMax}; shorten or hash it, or raise limits.groupNameBytes`,
  );
}

const keyBytesMax = 255;

/** @throws {BoxError} `CHANNELBOX_KEY_UNSAVED`, `CHANNELBOX_KEY` */
export function checkKey(key: string | undefined, isSaved: boolean): void {
  if (key === undefined) return;
  if (!isSaved) {
    throw new BoxError(
      'CHANNELBOX_KEY_UNSAVED',
      'a key came with a message that is not saved; only the history knows a message again: add saveHistory: true',
    );
  }
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : 0;
  if (bytes > 0 && bytes <= keyBytesMax) return;
  const came = typeof key === 'string' ? `${bytes} bytes` : typeof key;
  throw new BoxError('CHANNELBOX_KEY', `a key is ${came}; allowed is a text of 1 to ${keyBytesMax} bytes`);
}

/** @throws {BoxError} `CHANNELBOX_POSITION`: what a client sent back may be anything */
export function checkPosition(since: Position | undefined): Position | undefined {
  if (since === undefined) return undefined;
  const { epoch, offset } = (since ?? {}) as Partial<Position>;
  if (typeof epoch === 'string' && Number.isSafeInteger(offset) && (offset as number) >= 0) return since;
  throw new BoxError(
    'CHANNELBOX_POSITION',
    'since is no position; allowed is what a page or a delivery gave: { epoch: string, offset: whole number }',
  );
}

/** @throws {BoxError} `CHANNELBOX_HISTORY_LIMIT` */
export function checkCount(limit: number | undefined): number | undefined {
  if (limit === undefined || limit === Infinity) return undefined;
  if (Number.isInteger(limit) && limit >= 0) return limit;
  throw new BoxError('CHANNELBOX_HISTORY_LIMIT', `limit is ${String(limit)}; allowed is a whole number from 0 on`);
}
