import { masked } from '../../address.ts';
import type { ReceivedMessage } from '../connection/connection.ts';

/** Characters of a frame that a trace shows. */
const frameLengthMax = 200;

const secretHeaders = /^(?:authorization|proxy-authorization|cookie|set-cookie|.*token.*|.*secret.*|.*api-?key.*)$/i;

/** Where the lines of a trace go, and which clients have one. */
export interface TraceSink {
  nowMs(): number;
  write(line: string): void;
}

/**
 * The trace writes down the conversation of one client, line by line: when, which way, what; long frames cut,
 * credentials masked.
 */
export class ClientTrace {
  readonly #sink: TraceSink;
  readonly #name: string;

  constructor(sink: TraceSink, client: { readonly index: number; readonly room: string }) {
    this.#sink = sink;
    this.#name = `client ${client.index} of ${client.room}`;
  }

  /** What it asks the server for. */
  dials(url: URL, headers: Readonly<Record<string, string>>, subprotocols: readonly string[]): void {
    this.say(`dials ${masked(url.href)}`);
    for (const [name, value] of Object.entries(headers))
      this.say(`  ${name}: ${secretHeaders.test(name) ? '***' : masked(value)}`);
    if (subprotocols.length > 0) this.say(`  Sec-WebSocket-Protocol: ${subprotocols.join(', ')}`);
  }

  sent(data: string | Uint8Array): void {
    this.say(`→ ${shown(data)}`);
  }

  received({ bytes, start, end, isText }: ReceivedMessage): void {
    this.say(`← ${shown(isText ? bytes.toString('utf8', start, end) : bytes.subarray(start, end))}`);
  }

  say(what: string): void {
    const seconds = (this.#sink.nowMs() / 1_000).toFixed(3).padStart(8);
    this.#sink.write(`${seconds}  ${this.#name}  ${printable(what)}`);
  }
}

/** A frame as one line: text as it is, bytes in hex, cut to a length that says what is missing. */
export function shown(data: string | Uint8Array, lengthMax: number = frameLengthMax): string {
  const isText = typeof data === 'string';
  const text = isText ? data : `0x${Buffer.from(data.subarray(0, lengthMax)).toString('hex')}`;
  const size = isText ? Buffer.byteLength(data) : data.byteLength;
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax)}… (${size} bytes)` : text;
  return masked(maskedJson(cut));
}

/** What JSON calls a password, a token or a secret. */
function maskedJson(text: string): string {
  return text.replace(
    /("(?:[\w-]*(?:password|passwd|token|secret|api_?key|authorization)[\w-]*)"\s*:\s*)"(?:[^"\\]|\\.)*"?/gi,
    '$1"***"',
  );
}

/** What a server sent must not steer the terminal. */
function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
