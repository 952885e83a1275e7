import type { BytesLike, HeadersLike, Message, StandardSchemaV1 } from '../../src/index.ts';
import type { Duration } from '../../src/internal.ts';
import type { Match } from './matchers.ts';
import type { Transcript } from './transcript.ts';

/** Virtual time over memory and tcp, real time against a URL; default 0: what has arrived at rest decides. */
export interface WaitOptions {
  within?: Duration;
}

/** What a client of a test sends with its handshake. */
export interface ConnectOptions {
  headers?: HeadersLike;
  cookies?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  subprotocols?: readonly string[];
  /** A browser's; default: none is sent. */
  origin?: string;
  /** Where it pretends to come from. */
  client?: { host: string; port: number };
  /** Shown in transcripts; default `client 1`, `client 2`, … */
  name?: string;
}

/** How a connection ended, as its client saw it. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A test has this of one client of the thing under test. Every frame is kept from the handshake on. */
export interface TestClient extends AsyncDisposable {
  readonly name: string;
  readonly subprotocol: string;
  /** Of the 101 answer. */
  readonly headers: Headers;
  readonly transcript: Transcript;
  readonly isOpen: boolean;

  /** Sends a string as text, bytes as binary. */
  send(data: string | BytesLike): void;
  /** Sends a text frame. */
  sendText(text: string): void;
  /** Sends a binary frame. */
  sendBytes(bytes: BytesLike): void;
  /** @throws {BoxError} `CHANNELBOX_PAYLOAD_ENCODING` for what JSON cannot carry; nothing is sent then */
  sendJson(value: unknown, mode?: 'text' | 'binary'): void;

  /** The next frame. */
  receive(wait?: WaitOptions): Promise<Message>;
  /** The next frame, which is text. */
  receiveText(wait?: WaitOptions): Promise<string>;
  /** The next frame, which is binary. */
  receiveBytes(wait?: WaitOptions): Promise<Uint8Array>;
  /** The next frame, which is JSON. */
  receiveJson<T = unknown>(wait?: WaitOptions): Promise<T>;

  /** The next frame matches: returns what matched, else fails and leaves the frame where it was. */
  // oxlint-disable-next-line typescript/no-explicit-any -- of any input
  expect<T>(match: StandardSchemaV1<any, T>, wait?: WaitOptions): Promise<T>;
  // oxlint-disable-next-line typescript/no-explicit-any -- a predicate may leave its frame untyped
  expect<T = any>(match: (frame: T) => boolean, wait?: WaitOptions): Promise<T>;
  expect(match: string | RegExp, wait?: WaitOptions): Promise<string>;
  expect<T>(match: T, wait?: WaitOptions): Promise<T>;
  /** The next frames match, one each, in this order. */
  expectSequence(matches: readonly Match[], wait?: WaitOptions): Promise<unknown[]>;
  /** The next frames match, one each, in any order. */
  expectUnordered(matches: readonly Match[], wait?: WaitOptions): Promise<unknown[]>;
  /** The first frame that matches; the ones before it are skipped, and the transcript says so. */
  // oxlint-disable-next-line typescript/no-explicit-any -- of any input
  waitFor<T>(match: StandardSchemaV1<any, T>, wait?: WaitOptions): Promise<T>;
  // oxlint-disable-next-line typescript/no-explicit-any -- a predicate may leave its frame untyped
  waitFor<T = any>(match: (frame: T) => boolean, wait?: WaitOptions): Promise<T>;
  waitFor<T>(match: T, wait?: WaitOptions): Promise<T>;
  /** Nothing is there and nothing comes: decided at rest; `for` moves the clock, `realMs` waits in real time. */
  expectNothing(options?: { for?: Duration; realMs?: number }): Promise<void>;
  /** The connection has ended, as expected; unread frames do not matter, and it may be asked again. */
  expectClosed(expected?: { code?: number; reason?: string; wasClean?: boolean }, wait?: WaitOptions): Promise<Closed>;

  /**
   * Resolves when the closing handshake has ended.
   * @throws {ChannelBoxError} at once, and nothing is sent: `CHANNELBOX_CLOSE_CODE` for a code that no endpoint may send,
   * `CHANNELBOX_CLOSE_REASON` for a reason above 123 bytes of UTF-8
   */
  close(code?: number, reason?: string): Promise<void>;
  /** Vanishes: the server sees 1006. */
  drop(): void;
  /** Stops reading, as a slow reader does. It answers no ping either: after 35 s of the default limits it is cut off. */
  pause(): void;
  /** Reads on after `pause`. */
  resume(): void;
}
