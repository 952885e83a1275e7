import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ReceivedMessage } from './connection.ts';

/** Who is told what a reader finds. */
export interface FrameEvents {
  message(message: ReceivedMessage): void;
  ping(payload: Buffer): void;
  closeFrame(payload: Buffer): void;
  /** What came is no WebSocket frame of a server. */
  broken(): void;
}

/** A message larger than this is no test traffic; the connection is cut. */
const messageBytesMax = 64 * 2 ** 20;

const noMask = 4;

/** What a sender leaves off and a receiver puts back (RFC 7692 §7.2). */
const flushTail = Buffer.from([0, 0, 0xff, 0xff]);

/** One for all messages of the process: each is taken in before the next. */
const received: ReceivedMessage = { bytes: Buffer.alloc(0), start: 0, end: 0, isText: true };

function filled(bytes: Buffer, start: number, end: number, isText: boolean): ReceivedMessage {
  received.bytes = bytes;
  received.start = start;
  received.end = end;
  received.isText = isText;
  return received;
}

/** Reads the frames of one server (RFC 6455 §5.2). Copies nothing but what is not complete. */
export class FrameReader {
  #rest: Buffer | undefined;
  #fragments: Buffer[] | undefined;
  #isText: boolean = false;
  #first: number = 0;
  #isBroken: boolean = false;
  #isDeflated: boolean = false;
  readonly #inflates: boolean;

  /** `inflates`: permessage-deflate without context takeover was agreed on (RFC 7692). */
  constructor(inflates: boolean = false) {
    this.#inflates = inflates;
  }

  read(chunk: Buffer, events: FrameEvents): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (!this.#isBroken && bytes.length - at >= 2) {
      const second = bytes[at + 1] as number;
      const header = second < 126 ? 2 : second === 126 ? 4 : 10;
      if (second > 127) return this.#break(events);
      if (bytes.length - at < header) break;
      const length =
        second < 126 ? second : second === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      if (length > messageBytesMax) return this.#break(events);
      const end = at + header + length;
      if (end > bytes.length) break;
      this.#first = bytes[at] as number;
      this.#take(bytes, at + header, end, events);
      at = end;
    }
    if (!this.#isBroken && at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }

  #take(bytes: Buffer, start: number, end: number, events: FrameEvents): void {
    const first = this.#first;
    const opcode = first & 0x0f;
    const isLast = (first & 0x80) !== 0;
    const mayDeflate = this.#inflates && (opcode === 1 || opcode === 2);
    if ((first & (mayDeflate ? 0x30 : 0x70)) !== 0) return this.#break(events);
    if (opcode === 0x9) return events.ping(bytes.subarray(start, end));
    if (opcode === 0x8) return events.closeFrame(bytes.subarray(start, end));
    if (opcode === 0xa) return;
    if (opcode > 2 || (opcode === 0) !== (this.#fragments !== undefined)) return this.#break(events);
    if (opcode !== 0) {
      this.#isText = opcode === 1;
      this.#isDeflated = (first & 0x40) !== 0;
    }
    if (isLast && this.#fragments === undefined) return this.#finish(bytes, start, end, events);
    this.#fragments ??= [];
    this.#fragments.push(Buffer.from(bytes.subarray(start, end)));
    if (!isLast) return;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = undefined;
    this.#finish(whole, 0, whole.length, events);
  }

  #finish(bytes: Buffer, start: number, end: number, events: FrameEvents): void {
    if (!this.#isDeflated) return events.message(filled(bytes, start, end, this.#isText));
    let whole: Buffer;
    try {
      whole = inflateRawSync(Buffer.concat([bytes.subarray(start, end), flushTail]), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: messageBytesMax,
      });
    } catch {
      return this.#break(events);
    }
    events.message(filled(whole, 0, whole.length, this.#isText));
  }

  #break(events: FrameEvents): void {
    this.#isBroken = true;
    events.broken();
  }
}

/** A client's frame. The mask is all zeros, which RFC 6455 §5.3 discourages for browsers and which changes nothing for a server. */
export function maskedFrame(data: string | Uint8Array, opcode: number = typeof data === 'string' ? 0x1 : 0x2): Buffer {
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + noMask;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x80 | opcode;
  if (lengthBytes === 0) frame[1] = 0x80 | length;
  else if (lengthBytes === 2) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.fill(0, start - noMask, start);
  if (typeof data === 'string') frame.write(data, start);
  else frame.set(data, start);
  return frame;
}

/** A client's data frame with its payload deflated by itself: RSV1 is set, the tail left off (RFC 7692 §7.2.1). */
export function deflatedFrame(data: string | Uint8Array): Buffer {
  const payload = deflateRawSync(typeof data === 'string' ? Buffer.from(data) : data, {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  const frame = maskedFrame(
    payload.subarray(0, payload.length - flushTail.length),
    typeof data === 'string' ? 0x1 : 0x2,
  );
  frame[0] = (frame[0] as number) | 0x40;
  return frame;
}
