import { types } from 'node:util';

/** Bytes in any form that JavaScript has: a buffer, shared or not, or a view of one, a Buffer among them. */
export type BytesLike = ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/**
 * Bytes are taken of any buffer or view, of whichever realm (a page's of jsdom, a context of `node:vm`), over the same
 * memory; of a view the bytes that it shows, not its elements. Undefined for everything else.
 */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined;
}

/** What only has its bytes later: a Blob or a File. */
export function isBlob(value: unknown): boolean {
  return /^\[object (?:Blob|File)\]$/.test(tagOf(value));
}

/** What has content of which JSON would show nothing, or its indices: with a name for a message. Undefined for everything else. */
export function hiddenFromJson(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return 'bytes';
  if (types.isMap(value) || types.isSet(value) || types.isPromise(value)) return `a ${tagOf(value).slice(8, -1)}`;
  return isBlob(value) ? 'a Blob' : undefined;
}

/** Asking throws for nothing, a revoked Proxy included. */
function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return '';
  }
}
