import { Buffer } from 'node:buffer';

/** An unmasked text frame (RFC 6455 §5.2), as a server sends it. */
export function serverFrame(text) {
  const length = Buffer.byteLength(text);
  const header = headerOf(length, 0);
  const frame = Buffer.allocUnsafe(header.length + length);
  header.copy(frame);
  frame.write(text, header.length);
  return frame;
}

/** A masked one, as a client sends it. */
export function clientFrame(text) {
  const payload = Buffer.from(text);
  const mask = Buffer.from([0x5a, 0x13, 0xc7, 0x2e]);
  for (let at = 0; at < payload.length; at += 1) payload[at] ^= mask[at & 3];
  return Buffer.concat([headerOf(payload.length, 0x80), mask, payload]);
}

function headerOf(length, maskBit) {
  if (length < 126) return Buffer.from([0x81, maskBit | length]);
  return Buffer.from([0x81, maskBit | 126, length >> 8, length & 0xff]);
}

/**
 * Counts data frames in a stream of bytes, whatever the reads: headers are looked at, payloads passed over, and nothing
 * is unmasked, copied or made.
 */
export class FrameCounter {
  #skip = 0;
  #held = Buffer.allocUnsafe(10);
  #heldBytes = 0;

  /** @returns how many data frames have ended within these bytes */
  push(bytes, start, end) {
    let frames = 0;
    let at = start;
    while (at < end) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, end - at);
        this.#skip -= passed;
        at += passed;
        if (this.#skip === 0) frames += 1;
        continue;
      }
      this.#held[this.#heldBytes] = bytes[at];
      this.#heldBytes += 1;
      at += 1;
      frames += this.#header();
    }
    return frames;
  }

  #header() {
    const held = this.#held;
    const have = this.#heldBytes;
    if (have < 2) return 0;
    const short = held[1] & 0x7f;
    const need = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (have < need) return 0;
    this.#heldBytes = 0;
    const length = short < 126 ? short : short === 126 ? held.readUInt16BE(2) : Number(held.readBigUInt64BE(2));
    if ((held[0] & 0x0f) > 2) {
      // A control frame is no delivery; a bench that sees one with a payload would count wrong.
      if (length > 0) throw new Error(`a control frame of ${length} bytes came; heartbeats are to be off`);
      return 0;
    }
    this.#skip = length;
    return length === 0 ? 1 : 0;
  }
}
