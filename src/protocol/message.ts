/** One data message is text or bytes, as it came or as it goes out (RFC 6455 §5.6). */
export type Message =
  | { readonly type: 'text'; readonly data: string }
  | { readonly type: 'bytes'; readonly data: Uint8Array };

/** Payload bytes, as they travel. */
export function bytesOf({ data }: Message): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
}
