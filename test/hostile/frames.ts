import { randomBytes } from 'node:crypto';

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface RawFrame {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  readonly isFinal?: boolean;
  /** RSV1–3 as bits 0x40, 0x20, 0x10. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** What the header claims, where that is not the truth. */
  readonly claimedBytes?: bigint;
  /** Four bytes, for who must say the same twice; else at random. */
  readonly mask?: Uint8Array;
}

/** One frame as a client writes it (RFC 6455 §5.2), or as a broken client does. */
export function encodeFrame(frame: RawFrame): Buffer {
  const { isFinal = true, reserved = 0, isMasked = true, claimedBytes } = frame;
  const payload = Buffer.from(frame.payload ?? '');
  const first = (isFinal ? 0x80 : 0) | reserved | frame.opcode;
  const length = lengthBytes(claimedBytes ?? BigInt(payload.byteLength));
  length[0] = (length[0] as number) | (isMasked ? 0x80 : 0);
  if (!isMasked) return Buffer.concat([Buffer.of(first), length, payload]);
  const mask = frame.mask ?? randomBytes(4);
  for (let at = 0; at < payload.byteLength; at += 1) {
    payload[at] = (payload[at] as number) ^ (mask[at % 4] as number);
  }
  return Buffer.concat([Buffer.of(first), length, mask, payload]);
}

function lengthBytes(length: bigint): Buffer {
  if (length < 126n) return Buffer.of(Number(length));
  if (length < 65_536n) {
    const bytes = Buffer.alloc(3);
    bytes[0] = 126;
    bytes.writeUInt16BE(Number(length), 1);
    return bytes;
  }
  const bytes = Buffer.alloc(9);
  bytes[0] = 127;
  bytes.writeBigUInt64BE(length, 1);
  return bytes;
}

export function text(payload: string): Buffer {
  return encodeFrame({ opcode: opcode.text, payload });
}

export function close(code: number, reason: string | Uint8Array = ''): Buffer {
  const payload = Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);
  return encodeFrame({ opcode: opcode.close, payload });
}

export interface ReceivedFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Cuts whole frames, as a server writes them, off the front. */
export function decodeFrames(bytes: Buffer): { frames: ReceivedFrame[]; rest: Buffer } {
  const frames: ReceivedFrame[] = [];
  let rest = bytes;
  for (;;) {
    const frame = decodeOne(rest);
    if (frame === undefined) return { frames, rest };
    frames.push(frame);
    rest = rest.subarray(frame.endsAt);
  }
}

function decodeOne(bytes: Buffer): (ReceivedFrame & { endsAt: number }) | undefined {
  if (bytes.byteLength < 2) return undefined;
  const short = (bytes[1] as number) & 0x7f;
  const headerBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.byteLength < headerBytes) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const endsAt = headerBytes + length;
  if (bytes.byteLength < endsAt) return undefined;
  return { opcode: (bytes[0] as number) & 0x0f, payload: bytes.subarray(headerBytes, endsAt), endsAt };
}
