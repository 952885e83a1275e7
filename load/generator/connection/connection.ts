import type { SecureContext } from 'node:tls';

/**
 * A generator asks this of a WebSocket client, and nothing else: `raw.ts` and `ws.ts` implement it over a network,
 * `../inproc` in memory.
 */
export interface DialedConnection {
  /** A string as a text frame, bytes as a binary one. Does nothing once the connection has ended. */
  send(data: string | Uint8Array): void;
  /** Begins the closing handshake. */
  close(code: number): void;
  /** Ends it at once, without a close frame; `closed` follows. */
  terminate(): void;
  /** Reads no further. */
  pause(): void;
  resume(): void;
}

/** One whole message: the bytes from `start` to `end`. Object and bytes are the receiver's until the call returns, and are used again after it. */
export interface ReceivedMessage {
  bytes: Buffer;
  start: number;
  end: number;
  isText: boolean;
}

/** Who is told. After `dial` exactly one of `opened` and `refused` is called, and after `opened` exactly one `closed`. */
export interface ConnectionOwner {
  opened(): void;
  frame(message: ReceivedMessage): void;
  /** 1006 where it ended without a close frame, 1005 where that carried no code. */
  closed(code: number): void;
  /** `kind` is Node's error code, `http-403`, or `bad-handshake`. */
  refused(kind: string, message: string): void;
}

export interface DialOptions {
  /** Scheme, host and port are those of the target; path and query the adapter's. */
  readonly url: URL;
  /** The host's address, looked up once for all. */
  readonly address: string;
  /** The source address; undefined: the system's choice. */
  readonly localAddress: string | undefined;
  readonly subprotocols: readonly string[] | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Of wss://; undefined: the system's authorities, and the host's own name. */
  readonly tls: DialTls | undefined;
  /** Offers permessage-deflate. */
  readonly compression: boolean;
}

/** One for all connections of a process: certificates are read and checked once. */
export interface DialTls {
  readonly context: SecureContext;
  readonly servername: string | undefined;
  readonly insecure: boolean;
}

export type Dial = (options: DialOptions, owner: ConnectionOwner) => DialedConnection;
