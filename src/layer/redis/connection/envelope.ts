/** An envelope has the bytes by which the broker finds an item in the log again. */
import type { Payload, Position } from '../../layer.ts';

/**
 * What travels over the broker, in bytes.
 *
 * A push begins with the version of this format, `1`, and its kind. A reader of this version takes any item that goes on
 * after what it knows: that is how a later version adds to it while both are running.
 */

/** A message as it is kept and pushed. */
export interface Item {
  readonly node: string;
  /** Of the node that published; counts up. With the node's name it marks the message. */
  readonly sequence: number;
  readonly isSaved: boolean;
  /** Of a saved message. */
  readonly uuid: string;
  readonly except: readonly string[];
  readonly payload: Payload;
}

/** An item travels behind its own length. */
const lengthBytes = 4;
/** Where a node's name, 12 letters of base64url, and its sequence stand in an item. */
const markStart = 1;
const markEnd = 19;
const kinds = ['string', 'json', 'bytes'] as const;
const nameBytes = 12;

/** @returns it with its length before it */
export function encodeItem(item: Item): Buffer {
  const { payload } = item;
  const body = payload.kind === 'bytes' ? payload.bytes : payload.text;
  const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  const uuidBytes = Buffer.byteLength(item.uuid);
  let exceptBytes = 0;
  for (const id of item.except) exceptBytes += 2 + Buffer.byteLength(id);
  const bytes = Buffer.allocUnsafe(lengthBytes + markEnd + 1 + uuidBytes + 4 + exceptBytes + 4 + bodyBytes);
  const start = bytes.writeUInt32BE(bytes.length - lengthBytes);
  bytes[start] = (item.isSaved ? 1 : 0) | (kinds.indexOf(payload.kind) << 2);
  bytes.write(item.node, start + markStart, nameBytes, 'latin1');
  bytes.writeUIntBE(item.sequence, start + markEnd - 6, 6);
  let at = bytes.writeUInt8(uuidBytes, start + markEnd);
  at += bytes.write(item.uuid, at);
  at = bytes.writeUInt32BE(item.except.length, at);
  for (const id of item.except) {
    at = bytes.writeUInt16BE(Buffer.byteLength(id), at);
    at += bytes.write(id, at);
  }
  at = bytes.writeUInt32BE(bodyBytes, at);
  if (typeof body === 'string') bytes.write(body, at);
  else bytes.set(body, at);
  return bytes;
}

/** The bytes by which the broker finds an item in the log again. */
export function markOf(item: Buffer): Buffer {
  return item.subarray(lengthBytes + markStart, lengthBytes + markEnd);
}

/** Undefined for what is no item, from there to there. */
export function decodeItem(bytes: Buffer, start = 0, length: number = bytes.length): Item | undefined {
  if (length < start + markEnd + 9) return undefined;
  const flags = bytes[start] as number;
  const kind = kinds[(flags >> 2) & 3];
  const node = nameAt(bytes, start + markStart);
  if (kind === undefined || node === undefined) return undefined;
  const uuidStart = start + markEnd + 1;
  let at = uuidStart + (bytes[uuidStart - 1] as number);
  if (at + 8 > length) return undefined;
  const uuid = bytes.toString('utf8', uuidStart, at);
  const count = bytes.readUInt32BE(at);
  at += 4;
  const except: string[] = [];
  for (let index = 0; index < count; index += 1) {
    if (at + 2 > length) return undefined;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > length) return undefined;
    except.push(bytes.toString('utf8', at + 2, end));
    at = end;
  }
  if (at + 4 > length) return undefined;
  const end = at + 4 + bytes.readUInt32BE(at);
  if (end > length) return undefined;
  const payload: Payload =
    kind === 'bytes'
      ? { kind, bytes: new Uint8Array(bytes.subarray(at + 4, end)) }
      : { kind, text: bytes.toString('utf8', at + 4, end) };
  const sequence = bytes.readUIntBE(start + markEnd - 6, 6);
  return { node, sequence, isSaved: (flags & 1) === 1, uuid, except, payload };
}

export interface MessagePush {
  /** Of its first saved item; undefined where none is saved. */
  readonly position: Position | undefined;
  /** Unix milliseconds. */
  readonly createdMs: number;
  readonly items: readonly Item[];
}

/** A push to a group's channel; undefined for what is none. */
export function decodeMessages(push: Buffer): MessagePush | undefined {
  const head = push.toString('latin1', 0, 2);
  if (head === '1U') {
    const items = splitItems(push, 2);
    return items?.every(({ isSaved }) => !isSaved) === true ? { position: undefined, createdMs: 0, items } : undefined;
  }
  if (head !== '1M') return undefined;
  const epoch = nameAt(push, 2);
  const offset = digits(push, 14, 30);
  const createdMs = digits(push, 30, 44);
  if (epoch === undefined || offset === undefined || createdMs === undefined) return undefined;
  const items = splitItems(push, 44);
  return items === undefined ? undefined : { position: { epoch, offset }, createdMs, items };
}

function splitItems(push: Buffer, start: number): Item[] | undefined {
  const items: Item[] = [];
  let at = start;
  while (at < push.length) {
    if (at + 4 > push.length) return undefined;
    const end = at + 4 + push.readUInt32BE(at);
    if (end > push.length) return undefined;
    const item = decodeItem(push, at + 4, end);
    if (item === undefined) return undefined;
    items.push(item);
    at = end;
  }
  return items.length === 0 ? undefined : items;
}

/** A push to a node's own channel. */
export type NodePush =
  | { readonly kind: 'probe'; readonly id: string }
  | { readonly kind: 'marker'; readonly id: string; readonly position: Position }
  | { readonly kind: 'order'; readonly expiresMs: number; readonly order: Buffer }
  | { readonly kind: 'answer'; readonly answer: Buffer };

/** A marker that stands for no place. */
export const plainMarker = '1C------------0000000000000000';

export function decodeNodePush(push: Buffer): NodePush | undefined {
  switch (push.toString('latin1', 0, 2)) {
    case '1P':
      return { kind: 'probe', id: push.toString('latin1', 2) };
    case '1C': {
      const epoch = nameAt(push, 2);
      const offset = digits(push, 14, 30);
      if (epoch === undefined || offset === undefined) return undefined;
      return { kind: 'marker', id: push.toString('latin1', 30), position: { epoch, offset } };
    }
    case '1O': {
      const expiresMs = digits(push, 2, 16);
      return expiresMs === undefined ? undefined : { kind: 'order', expiresMs, order: push.subarray(16) };
    }
    case '1A':
      return { kind: 'answer', answer: push.subarray(2) };
    default:
      return undefined;
  }
}

/** An order or an answer: JSON that says what, then the bytes that it is about. */
export function encodeParcel(about: object, body: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.from(JSON.stringify(about));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, body]);
}

export function decodeParcel(
  bytes: Buffer,
): { readonly about: Record<string, unknown>; readonly body: Buffer } | undefined {
  if (bytes.length < 4) return undefined;
  const end = 4 + bytes.readUInt32BE(0);
  if (end > bytes.length) return undefined;
  try {
    const about: unknown = JSON.parse(bytes.toString('utf8', 4, end));
    if (typeof about !== 'object' || about === null) return undefined;
    return { about: about as Record<string, unknown>, body: bytes.subarray(end) };
  } catch {
    return undefined;
  }
}

const isNameLetter = Array.from({ length: 256 }, (_, code) => /[\w-]/.test(String.fromCodePoint(code)));

/** Names of nodes and epochs: 12 letters of base64url. Undefined where none stands there. */
function nameAt(bytes: Buffer, start: number): string | undefined {
  const end = start + nameBytes;
  for (let at = start; at < end; at += 1) if (isNameLetter[bytes[at] as number] !== true) return undefined;
  return bytes.toString('latin1', start, end);
}

function digits(bytes: Buffer, from: number, to: number): number | undefined {
  if (to > bytes.length) return undefined;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

/** A group's name as its keys hold it: what is between the braces decides where it lives in a cluster. */
export function groupKey(group: string): string {
  return group.replaceAll('%', '%25').replaceAll('}', '%7D');
}

export function groupOfKey(key: string): string {
  return key.replaceAll('%7D', '}').replaceAll('%25', '%');
}
