/** This encodes what goes out, and counts what was made, once a publish, whatever the members. */
import { constants, deflateRawSync } from 'node:zlib';
import type { Frame } from '../../protocol/frame.ts';

/** What was made so far, for `App.inspect` and for tests that count: once a publish, whatever the members. */
export interface EncodeCounts {
  framings: number;
  deflates: number;
}

/** Smaller payloads cost more to deflate than to send. */
const deflateBytesMin = 1024;
const finBit = 0x80;
const deflatedBit = 0x40;

/** Header and payload in one buffer (RFC 6455 §5.2, unmasked, unfragmented), made once and kept on the frame. */
export function framed(frame: Frame, counts: EncodeCounts): Uint8Array {
  if (frame.wire !== undefined) return frame.wire;
  counts.framings += 1;
  const bytes = Buffer.allocUnsafe(framedLength(frame));
  writeFramed(frame, bytes, 0);
  frame.wire = bytes;
  return bytes;
}

/** How many bytes it has with its header. */
export function framedLength({ byteLength }: Frame): number {
  return headerBytes(byteLength) + byteLength;
}

/** The same two into a buffer that has room from `start` on. */
export function writeFramed(frame: Frame, bytes: Buffer, start: number): void {
  const { byteLength, data } = frame;
  const at = writeHeader(bytes, start, opcodeOf(frame), byteLength);
  if (typeof data === 'string') bytes.write(data, at, 'utf8');
  else bytes.set(data, at);
}

/**
 * The same, deflated (RFC 7692 §7.2.1) for peers that negotiated it; the plain one where deflating does not pay.
 * Each message stands alone, which `server_no_context_takeover` promises: so one serves every peer.
 */
export function deflated(frame: Frame, counts: EncodeCounts): Uint8Array {
  if (frame.compressed !== undefined) return frame.compressed;
  frame.compressed = deflate(frame, counts) ?? framed(frame, counts);
  return frame.compressed;
}

/**
 * Whether the lines of a 101 answer agree on deflating as blocks shared among sockets are deflated: a peer that wants a
 * smaller window than they are made with gets plain frames (RFC 7692 §7.1.2.1).
 */
export function sharesDeflate(responseHeaders: readonly string[]): boolean {
  return responseHeaders.some((line) => /permessage-deflate/i.test(line) && !/server_max_window_bits/i.test(line));
}

function deflate(frame: Frame, counts: EncodeCounts): Uint8Array | undefined {
  const { byteLength, data } = frame;
  if (byteLength < deflateBytesMin) return undefined;
  counts.deflates += 1;
  const block = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...roomFor(byteLength) });
  // The empty block that a sync flush ends with, 00 00 ff ff, is left out on the wire.
  const length = block.byteLength - 4;
  if (length >= byteLength) return undefined;
  const bytes = Buffer.allocUnsafe(headerBytes(length) + length);
  const at = writeHeader(bytes, 0, opcodeOf(frame) | deflatedBit, length);
  block.copy(bytes, at, 0, length);
  return bytes;
}

/** zlib looks so many bytes ahead within its window. */
const lookaheadBytes = 262;

/**
 * A window that holds the whole payload, and tables that go with it: a larger one finds nothing more, and takes time and
 * memory to set up, 256 KB where 32 do for a payload of 2.
 */
function roomFor(byteLength: number): { readonly windowBits: number; readonly memLevel: number } {
  const windowBits = Math.min(15, 32 - Math.clz32(byteLength + lookaheadBytes));
  return { windowBits, memLevel: Math.min(8, windowBits - 7) };
}

function opcodeOf(frame: Frame): number {
  return frame.type === 'text' ? 1 : 2;
}

function headerBytes(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

/** @returns where the payload begins */
function writeHeader(bytes: Buffer, start: number, opcode: number, length: number): number {
  bytes[start] = finBit | opcode;
  if (length < 126) {
    bytes[start + 1] = length;
    return start + 2;
  }
  if (length < 65_536) {
    bytes[start + 1] = 126;
    return bytes.writeUInt16BE(length, start + 2);
  }
  bytes[start + 1] = 127;
  return bytes.writeUInt32BE(length % 2 ** 32, bytes.writeUInt32BE(Math.floor(length / 2 ** 32), start + 2));
}
