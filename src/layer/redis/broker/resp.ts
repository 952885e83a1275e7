import { BrokerRefusal, type BrokerReply } from './broker.ts';

/** What a decoder tells as it goes. */
export interface RespEvents {
  replied(reply: BrokerReply): void;
  refused(error: BrokerRefusal): void;
  /** `message`, `subscribe` and their like, then what they bring. */
  pushed(push: readonly BrokerReply[]): void;
}

interface OpenList {
  readonly items: BrokerReply[];
  missing: number;
  readonly isPush: boolean;
}

/** A string that comes in several pieces. */
interface LongString {
  readonly bytes: Buffer;
  filled: number;
  readonly of: number | undefined;
}

const code = (letter: string): number => letter.charCodeAt(0);
const [newline, minus] = [code('\n'), code('-')];
const kind = {
  ...{ text: code('+'), error: code('-'), number: code(':'), bytes: code('$'), list: code('*') },
  ...{ nothing: code('_'), isTrue: code('#'), double: code(','), bigNumber: code('('), longError: code('!') },
  ...{ verbatim: code('='), map: code('%'), set: code('~'), push: code('>') },
};
/** No line of the protocol is longer but for the words of an error. */
const lineBytesMax = 64 * 1024;

/**
 * A decoder reads Redis's protocol, version 3, out of whatever pieces it comes in (redis.io, "Redis serialization protocol specification").
 *
 * Strings are buffers of their own, so that the piece may be written over; maps are lists of keys and values.
 */
export class RespDecoder {
  readonly #events: RespEvents;
  readonly #open: OpenList[] = [];
  /** The beginning of a line whose end has not come. */
  #rest: Buffer | undefined;
  #long: LongString | undefined;

  constructor(events: RespEvents) {
    this.#events = events;
  }

  /** @throws {Error} for what is not of the protocol */
  write(piece: Buffer): void {
    let at = this.#long === undefined ? 0 : this.#fill(this.#long, piece, 0);
    let bytes = piece;
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, piece]);
      this.#rest = undefined;
    }
    while (at < bytes.length) {
      let end = at;
      while (end < bytes.length && bytes[end] !== newline) end += 1;
      if (end === bytes.length) {
        if (bytes.length - at > lineBytesMax) throw new Error('a line of the reply does not end');
        this.#rest = Buffer.from(bytes.subarray(at));
        return;
      }
      at = this.#line(bytes, at, end);
    }
  }

  /** @returns where it goes on */
  #line(bytes: Buffer, at: number, end: number): number {
    const next = end + 1;
    switch (bytes[at]) {
      case kind.number:
        this.#value(integer(bytes, at + 1, end - 1));
        return next;
      case kind.bytes:
      case kind.verbatim:
      case kind.longError:
        return this.#string(bytes, next, integer(bytes, at + 1, end - 1), bytes[at]);
      case kind.push:
        this.#list(integer(bytes, at + 1, end - 1), true);
        return next;
      case kind.list:
      case kind.set:
        this.#list(integer(bytes, at + 1, end - 1), false);
        return next;
      case kind.map:
        this.#list(2 * integer(bytes, at + 1, end - 1), false);
        return next;
      case kind.error:
        this.#error(bytes.toString('utf8', at + 1, end - 1));
        return next;
      case kind.nothing:
        this.#value(null);
        return next;
      case kind.text:
      case kind.double:
      case kind.bigNumber:
      case kind.isTrue:
        this.#value(bytes.toString('utf8', at + 1, end - 1));
        return next;
      default:
        throw new Error(`a reply begins with byte ${bytes[at]}, which is none of Redis`);
    }
  }

  /** @param of its kind, as it began */
  #string(bytes: Buffer, start: number, length: number, of: number | undefined): number {
    if (length < 0) {
      this.#value(null);
      return start;
    }
    const end = start + length;
    if (end + 2 <= bytes.length) {
      const list = this.#open[this.#open.length - 1];
      // Of a push, all but the last are names: of its kind, and of the channel.
      if (list?.isPush === true && list.missing > 1) this.#value(bytes.toString('utf8', start, end));
      else {
        const own = Buffer.allocUnsafe(length);
        bytes.copy(own, 0, start, end);
        this.#whole(own, of);
      }
      return end + 2;
    }
    const long = { bytes: Buffer.allocUnsafe(length + 2), filled: 0, of };
    this.#long = long;
    return this.#fill(long, bytes, start);
  }

  #fill(long: LongString, piece: Buffer, start: number): number {
    const copied = piece.copy(long.bytes, long.filled, start);
    long.filled += copied;
    if (long.filled === long.bytes.length) {
      this.#long = undefined;
      this.#whole(long.bytes.subarray(0, -2), long.of);
    }
    return start + copied;
  }

  #whole(bytes: Buffer, of: number | undefined): void {
    if (of === kind.longError) this.#error(bytes.toString());
    // Which form it has stands before it: `txt:`.
    else this.#value(of === kind.verbatim ? bytes.subarray(4) : bytes);
  }

  #list(length: number, isPush: boolean): void {
    if (length < 0) this.#value(null);
    else if (length === 0 && !isPush) this.#value([]);
    else this.#open.push({ items: [], missing: length, isPush });
  }

  #error(words: string): void {
    if (this.#open.length === 0) this.#events.refused(new BrokerRefusal(words));
    else this.#value(words);
  }

  /** It ends the lists whose last item it is. */
  #value(value: BrokerReply): void {
    let done = value;
    for (;;) {
      const list = this.#open[this.#open.length - 1];
      if (list === undefined) return this.#events.replied(done);
      list.items.push(done);
      list.missing -= 1;
      if (list.missing > 0) return;
      this.#open.pop();
      if (list.isPush) return this.#events.pushed(list.items);
      done = list.items;
    }
  }
}

function integer(bytes: Buffer, start: number, end: number): number {
  const isNegative = bytes[start] === minus;
  let value = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) value = value * 10 + ((bytes[at] as number) - 48);
  return isNegative ? -value : value;
}
