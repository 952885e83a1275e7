import { Writable } from 'node:stream';

/** This knows what is to be known of ws's reader of frames. */
export interface ReceiverInside {
  readonly _bufferedBytes: number;
  readonly _messageLength: number;
  readonly _numFragments: number;
  readonly _fragmented: number;
  readonly _state: number;
}

/** Is told when its receiver has taken a read in. */
interface ReadWatcher {
  afterRead(receiver: ReceiverInside): void;
}

interface WatchedReceiver extends ReceiverInside {
  write(chunk: Buffer): boolean;
  watcher: ReadWatcher;
}

/** Of ws: it waits for the first byte of a frame; it inflates one; it is about to tell of a message. */
const betweenFrames: readonly number[] = [0, 5, 6];
const writeOn = Writable.prototype.write as (this: unknown, chunk: Buffer) => boolean;

/** From here on the socket is told after each read: ws itself tells of whole messages alone. */
export function watchReads(watcher: ReadWatcher): void {
  const receiver = (watcher as { _receiver?: WatchedReceiver })._receiver;
  if (receiver === undefined) return;
  receiver.write = watchedWrite;
  receiver.watcher = watcher;
}

/** What has come of a message that is not finished; 0: there is none. */
export function unfinishedBytes(receiver: ReceiverInside): number {
  const { _bufferedBytes: unread, _messageLength: read, _state: state } = receiver;
  const isBetween = receiver._fragmented === 0 && betweenFrames.includes(state);
  if (isBetween && (unread === 0 || state !== 0)) return 0;
  return Math.max(1, unread + read);
}

/** Shared by all receivers: none has a closure of its own. */
function watchedWrite(this: WatchedReceiver, chunk: Buffer): boolean {
  const takesMore = writeOn.call(this, chunk);
  this.watcher.afterRead(this);
  return takesMore;
}
