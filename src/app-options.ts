import { Box } from './channel/box.ts';
import { BoxError } from './errors.ts';
import type { ServerOptions, RequestListener, ServerResponse } from 'node:http';
import type { ChannelBox, Limits, Logger } from './api.ts';
import type { Origins } from './middleware/origin.ts';
import type { ErrorContext } from './probe.ts';
import type { TrustProxy } from './handshake/proxy.ts';
import type { Clock } from './time/clock.ts';

/** What an app is made with; all of it may be left out. */
export interface AppOptions {
  /** Default: one of its own, in memory. */
  channelBox?: ChannelBox;
  /** Default: the machine's. */
  clock?: Clock;
  /** Default: warnings and errors go to the console. */
  logger?: Logger;
  limits?: Partial<Limits>;
  /** Of browsers, besides the server's own; `'*'` for all. */
  origins?: Origins;
  /** Hosts that are ours; another is answered 421. A text is a name, with or without a port. Default: any. */
  hosts?: readonly (string | RegExp)[];
  /**
   * Whose `Forwarded` and `X-Forwarded-For` are believed for `ws.client` and `connectionsPerAddress`: so many hops, these
   * networks (`10.0.0.0/8`), or who passes. Default: nobody's.
   */
  trustProxy?: TrustProxy;
  /**
   * What all sockets together may hold, in every store, and history with them, looked at when a turn ends; past it the socket
   * that holds most is closed with 1013, and handshakes get 503. Default: none.
   */
  memoryBudgetBytes?: number;
  /** Offers permessage-deflate; a broadcast is deflated once for all who took it. Default false. */
  compression?: boolean;
  /** A trailing slash then makes another path. Default false. */
  strict?: boolean;
  /** Learns of every error that the app's own code threw. */
  onError?: (error: unknown, context: ErrorContext) => void;
  /** What `listen` answers to plain HTTP; default 426. */
  http?: RequestListener;
}

/** What an app logs to where it names no logger. */
export const defaultLogger: Logger = {
  debug: () => {},
  info: () => {},
  // oxlint-disable-next-line no-console -- where an app names no logger, this is it
  warn: (message, fields) => console.warn(message, fields ?? ''),
  // oxlint-disable-next-line no-console -- the same
  error: (message, fields) => console.error(message, fields ?? ''),
};

/** What a port of the app's own answers to plain HTTP. */
export function upgradeRequired(_request: unknown, response: ServerResponse): void {
  response.writeHead(426, { Connection: 'Upgrade', Upgrade: 'websocket', 'Content-Type': 'text/plain; charset=utf-8' });
  response.end('This server speaks WebSocket.\n');
}

/** The class behind what an app was given. @throws {BoxError} `CHANNELBOX_FOREIGN_BOX` */
export function boxOf(box: ChannelBox): Box {
  if (box instanceof Box) return box;
  throw new BoxError('CHANNELBOX_FOREIGN_BOX', 'channelBox is no ChannelBox; make it with new ChannelBox(options)');
}

/** Of the server that `listen` makes: headers have their time, and it is looked often enough whether it is up. */
export function serverOptions({ handshakeTimeoutMs }: Limits): ServerOptions {
  if (handshakeTimeoutMs === Infinity) return { headersTimeout: 0 };
  const everyMs = Math.max(10, Math.min(1_000, Math.floor(handshakeTimeoutMs / 4)));
  return { headersTimeout: Math.ceil(handshakeTimeoutMs), connectionsCheckingInterval: everyMs };
}
