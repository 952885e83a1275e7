import { BoxError, FrameError } from '../errors.ts';
import { bytesOf, hiddenFromJson } from './bytes.ts';
import { Frame } from './frame.ts';
import type { Message } from './message.ts';
import type { Payload, PayloadType } from './payload.ts';

/**
 * Encodes a payload once, in the form in which it travels and is kept.
 * @throws {BoxError} `CHANNELBOX_PAYLOAD_ENCODING` for what JSON cannot carry
 */
export function encodePayload(value: unknown): Payload {
  if (typeof value === 'string') return { kind: 'string', text: value };
  const bytes = bytesOf(value);
  if (bytes !== undefined) return { kind: 'bytes', bytes: new Uint8Array(bytes) };
  return { kind: 'json', text: encodeJson(value) };
}

/**
 * @throws {BoxError} `CHANNELBOX_PAYLOAD_ENCODING` for what JSON cannot carry: a cycle, a BigInt, a function, undefined; and for what it
 * would carry without its content, wherever it is inside: bytes, a Blob, a Map, a Set, a promise
 */
export function encodeJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // A `toJSON` of the app's own may throw anything.
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
    throw new BoxError(
      'CHANNELBOX_PAYLOAD_ENCODING',
      `as a payload ${kindOf(value)} came that cannot be written as JSON: ${why}; send plain data`,
      { cause: error },
    );
  }
  if (text === undefined) {
    throw new BoxError(
      'CHANNELBOX_PAYLOAD_ENCODING',
      `as a payload ${kindOf(value)} came, which has no JSON text; send null, a string, bytes or plain data`,
    );
  }
  if (mayHide.test(text)) refuseHidden(value);
  return text;
}

/** What an object without content, a Buffer or a list by its indices looks like: plain data may look so too. */
const mayHide = /\{\}|\{"type":"Buffer"|\{"0":/;

/** @throws {BoxError} `CHANNELBOX_PAYLOAD_ENCODING` */
function refuseHidden(value: unknown): void {
  JSON.stringify(value, function (this: Record<string, unknown>, key: string, shown: unknown) {
    const hidden = hiddenFromJson(this[key]);
    // What says itself how it wants to be written has been asked; a Buffer says so for all its bytes, which nobody wants.
    if (hidden === undefined || (hidden !== 'bytes' && shown !== this[key])) return shown;
    const advice =
      hidden === 'a Blob'
        ? 'read it first, new Uint8Array(await blob.arrayBuffer()), and send that'
        : hidden === 'bytes'
          ? 'send them by themselves, as bytes, or as text such as Base64'
          : hidden === 'a Promise'
            ? 'await it first'
            : 'make an array or an object of it';
    throw new BoxError(
      'CHANNELBOX_PAYLOAD_ENCODING',
      `${key === '' ? 'as a payload' : `as the payload's ${JSON.stringify(key)}`} came ${hidden}, which JSON would carry without content; ${advice}`,
    );
  });
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** What readers of the history get: a value of their own each time. */
export function decodePayload(payload: Payload): unknown {
  if (payload.kind === 'json') return JSON.parse(payload.text);
  return payload.kind === 'string' ? payload.text : new Uint8Array(payload.bytes);
}

export function payloadBytes(payload: Payload): number {
  return payload.kind === 'bytes' ? payload.bytes.byteLength : Buffer.byteLength(payload.text);
}

/** @throws {BoxError} `CHANNELBOX_PAYLOAD_KIND` */
export function refuseKind(type: PayloadType): never {
  throw new BoxError(
    'CHANNELBOX_PAYLOAD_KIND',
    `bytes came for a ${type} channel, which takes strings and plain data; use payloadType 'bytes' or ws.sendBytes`,
  );
}

/** The frame that a channel of that kind receives; the table is in docs/semantics.md. */
export function frameOf(payload: Payload, type: PayloadType): Frame {
  if (payload.kind === 'bytes') return type === 'bytes' ? Frame.bytes(payload.bytes) : refuseKind(type);
  if (type === 'bytes') return Frame.bytes(Buffer.from(payload.text));
  return Frame.text(payload.kind === 'string' && type === 'json' ? JSON.stringify(payload.text) : payload.text);
}

/** @throws {FrameError} `wrong-type` */
export function asText(message: Message): string {
  if (message.type === 'text') return message.data;
  throw new FrameError('wrong-type', `a binary frame of ${message.data.byteLength} bytes came where text is due`);
}

/** @throws {FrameError} `wrong-type` */
export function asBytes(message: Message): Uint8Array {
  if (message.type === 'bytes') return message.data;
  throw new FrameError('wrong-type', `a text frame of ${message.data.length} characters came where bytes are due`);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Of a text frame or of UTF-8 in a binary one. @throws {FrameError} `bad-utf8`, `bad-json` */
export function asJson(message: Message): unknown {
  let text: string;
  if (message.type === 'text') text = message.data;
  else {
    try {
      text = utf8.decode(message.data);
    } catch (error) {
      throw new FrameError('bad-utf8', `a binary frame of ${message.data.byteLength} bytes is no UTF-8`, {
        cause: error,
      });
    }
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FrameError('bad-json', `a frame of ${text.length} characters is no JSON`, { cause: error });
  }
}
