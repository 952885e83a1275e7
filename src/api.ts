/** A handler meets these interfaces. Classes elsewhere implement them, which keeps types out of circles. No logic. */
import type { IncomingMessage } from 'node:http';
import type { Clock } from './time/clock.ts';
import type {
  Awaitable,
  CloseOptions,
  HistoryPage,
  Member,
  Position,
  SendOutcome,
  HistoryEntry,
} from './layer/layer.ts';
import type { BytesLike } from './protocol/bytes.ts';
import type { Counters } from './protocol/counters.ts';
import type { Message } from './protocol/message.ts';
import type { PayloadType } from './protocol/payload.ts';

/** Headers in any form that `new Headers` takes. */
export type HeadersLike = Headers | Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** Parameters of a matched path; `ParamsOf` in route/pattern.ts derives the exact type from the pattern. */
export type Params = object;

/**
 * Runs once per connection. Returning closes an accepted socket with 1000; a pending `ws` is denied with 403. A `Response` that it
 * returns or throws before `accept` is the answer, 300–599, anything else 500; after it, it is nothing.
 */
export type Handler<P = Params> = (ws: WebSocket<P>, params: P) => Awaitable<unknown>;

/** Told once, when the last of what runs for a connection has ended. */
export type WhenEnded = (ws: WebSocket, failure: { readonly error: unknown } | undefined) => void;

/** Begins what a route does for one connection; no promise is made for its end. Throws what its first step throws. */
export type Serve = (ws: WebSocket, params: Params, whenEnded: WhenEnded) => void;

/** Runs around the handler. Neither calling `next` nor answering denies with 403; calling it twice is an error. */
export type Middleware<P = Params> = (ws: WebSocket<P>, next: () => Promise<void>) => Awaitable<unknown>;

/** What middleware leaves for handlers. Augment it: `declare module 'channelbox' { interface State { user: User } }`. */
export interface State {}

/** Node's `console` fits. */
export interface Logger {
  /** What only somebody who looks for it wants to know. */
  debug(message: string, fields?: object): void;
  /** What a stranger can cause at will: refusals, closes. */
  info(message: string, fields?: object): void;
  /** What may need a look. */
  warn(message: string, fields?: object): void;
  /** What is wrong with the app or its layer. */
  error(message: string, fields?: object): void;
}

/** Bounds of one connection. A route may override all but `maxConnections` and those behind it. */
export interface Limits {
  /** One message, 1 MiB; a larger one ends the connection with 1009. */
  maxPayloadBytes: number;
  /**
   * Bytes of finished frames that may wait for the handler, twice `maxPayloadBytes`; past it the socket is read no further,
   * what one read brought is kept up to as much again, and beyond that it closes with 1008. An unfinished message that
   * alone passes it, each fragment counting 128 bytes more, ends with 1009.
   */
  inboundBytes: number;
  /** For a message that has begun to be finished, 30 000; past it the connection ends with 1008. While we do not read it stands still. */
  messageTimeoutMs: number;
  /** Of one message, 16 384; past it the connection ends with 1008. */
  maxFragments: number;
  /** Pings and pongs of the peer, 100 in the long run and twice as many at once; past it the connection ends with 1008. */
  controlFramesPerSecond: number;
  /** From the upgrade to `accept`, 10 000; past it the client is answered 503. */
  acceptTimeoutMs: number;
  /** For the peer to answer a close, 2 000; past it the connection is cut. */
  closeTimeoutMs: number;
  /** Silence before a ping, 25 000. */
  heartbeatMs: number;
  /** From the ping to any sign of life, 10 000; past it the connection ends with 1006. */
  heartbeatTimeoutMs: number;
  /** Frames that may wait for the handler, 64; past it the socket is read no further. */
  inboundQueue: number;
  /** Bytes that may wait for the peer, 1 MiB. */
  maxBufferedBytes: number;
  /** What becomes of a group's slow member: closed with 1013, or it loses the message. */
  slowConsumer: 'close' | 'drop';
  /** Of the app, unlimited; past it the client is answered 503. */
  maxConnections: number;
  /** From one address, handshakes on their way included, unlimited; past it the client is answered 429. */
  connectionsPerAddress: number;
  /** For the headers of a request, on a port of `listen`, 10 000; past it the client is answered 408. */
  handshakeTimeoutMs: number;
  /** 128. */
  groupsPerChannel: number;
  /** UTF-8 bytes of a group's name, 255. */
  groupNameBytes: number;
}

/** The limits that a route may have in place of its app's: those of one connection. */
export type RouteLimits = Omit<
  Limits,
  'maxConnections' | 'groupsPerChannel' | 'groupNameBytes' | 'connectionsPerAddress' | 'handshakeTimeoutMs'
>;

/** How a frame is waited for. */
export interface ReceiveOptions {
  /** Ends the wait with the signal's reason; no frame is lost. */
  signal?: AbortSignal;
}

/** Nexios's view of a connection. */
export interface Scope {
  readonly type: 'websocket';
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly queryString: string;
  readonly queryParams: URLSearchParams;
  readonly pathParams: Readonly<Record<string, string | number>>;
  readonly client: { readonly host: string; readonly port: number };
  readonly subprotocols: readonly string[];
  /** `ws.state.user`. */
  readonly user: State extends { user?: infer U } ? U : unknown;
}

/** One connection, from the upgrade request to the end of the closing handshake. */
export interface WebSocket<P = Params> extends AsyncIterable<Message>, AsyncDisposable {
  /** A uuid, the same as `channel.uuid`. */
  readonly id: string;
  readonly url: URL;
  readonly path: string;
  readonly params: P;
  readonly pathParams: P;
  readonly query: URLSearchParams;
  readonly queryParams: URLSearchParams;
  readonly headers: Headers;
  readonly client: { readonly host: string; readonly port: number };
  /**
   * Node's own request, for session stores and client certificates; let go of at the accept, undefined after it. Over memory one
   * made of the same facts.
   */
  readonly request: IncomingMessage | undefined;
  /** Offered by the client; none is chosen unless `accept` names one. */
  readonly subprotocols: readonly string[];
  readonly scope: Scope;
  readonly app: AppView;
  readonly channelBox: ChannelBox;
  /** The socket's one channel, made at first use. */
  readonly channel: Channel;
  state: State;
  /** Aborts when the peer has gone, before `accept` too; its reason is the `WebSocketDisconnect`. */
  readonly signal: AbortSignal;
  /** Bytes not yet handed to the peer's side, this turn's writes included. */
  readonly bufferedBytes: number;

  /**
   * Answers 101.
   * @throws {HandshakeError} `CHANNELBOX_ALREADY_ANSWERED`, `CHANNELBOX_SUBPROTOCOL_NOT_OFFERED`
   * @throws {WebSocketDisconnect} when the client has left
   */
  accept(options?: { subprotocol?: string; headers?: HeadersLike }): Promise<void>;
  /**
   * Answers with a status of 300–599 in place of 101.
   * @throws {HandshakeError} `CHANNELBOX_ALREADY_ANSWERED`, `CHANNELBOX_DENY_STATUS`
   */
  deny(response: Response | number): Promise<void>;
  /** The next frame. @throws {WebSocketDisconnect} once the peer has gone and all its frames are handed out */
  receive(options?: ReceiveOptions): Promise<Message>;
  /** @throws {FrameError} `wrong-type` for a binary frame; the socket lives on */
  receiveText(options?: ReceiveOptions): Promise<string>;
  /** @throws {FrameError} `wrong-type` for a text frame; the socket lives on */
  receiveBytes(options?: ReceiveOptions): Promise<Uint8Array>;
  /** Of a text frame or of UTF-8 in a binary one. @throws {FrameError} `bad-json`, `bad-utf8`; the socket lives on */
  receiveJson<T = unknown>(options?: ReceiveOptions): Promise<T>;
  /** Text frames until the peer leaves. @throws {FrameError} `wrong-type` for a binary one */
  iterText(): AsyncIterable<string>;
  /** Binary frames until the peer leaves. @throws {FrameError} `wrong-type` for a text one */
  iterBytes(): AsyncIterable<Uint8Array>;
  /** What frames carry as JSON, until the peer leaves. @throws {FrameError} `bad-json`, `bad-utf8` */
  iterJson<T = unknown>(): AsyncIterable<T>;
  /** A string as text, bytes as binary; waits where more than `maxBufferedBytes` wait for the peer. */
  send(data: string | BytesLike): Promise<SendOutcome>;
  /** Sends a text frame; otherwise as `send`. */
  sendText(text: string): Promise<SendOutcome>;
  /** Sends a binary frame; otherwise as `send`. */
  sendBytes(bytes: BytesLike): Promise<SendOutcome>;
  /** Rejects for what JSON cannot carry. */
  sendJson(value: unknown, mode?: 'text' | 'binary'): Promise<SendOutcome>;
  /** Makes the socket's channel a member of a group; joining twice is joining once. */
  join(group: string): Promise<JoinResult>;
  /** Joins a group and reads its history since a position in one step; see `ChannelBox.resume`. */
  resume(group: string, options?: ResumeOptions): Promise<HistoryPage>;
  /** Takes the socket's channel out of a group. */
  leave(group: string): Promise<LeaveResult>;
  /**
   * Ends the connection; before `accept` it answers 403. Calling it again changes nothing.
   * Resolves when the closing handshake has ended. `reason` is cut at 123 bytes, on a character.
   */
  close(code?: number, reason?: string): Promise<void>;
  /**
   * Ends the connection at that time of the wall clock, in Unix seconds, unless it is called again; null: never. For credentials
   * that run out: call it anew when they are renewed. Past: at once. Due before the accept it answers 401.
   * After a jump of the wall clock the time is asked again within a sixtieth of what is left, a minute at most.
   * @param code 4401 unless given
   * @throws {LimitError} `CHANNELBOX_CLOSE_AT` for NaN, and for what is no time in seconds: beyond 1e11 it is milliseconds
   * @throws {ChannelBoxError} `CHANNELBOX_CLOSE_CODE`, `CHANNELBOX_CLOSE_REASON`
   */
  closeAt(unixSeconds: number | null, code?: number, reason?: string): void;
  /** Whether frames can still be sent; false from the first send that said `closed`. */
  isConnected(): boolean;
}

/** As much of the app as its handlers see. */
export interface AppView {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly channelBox: ChannelBox;
  /** Counts what the app holds now. */
  inspect(): AppSnapshot;
}

/** What an app holds at one moment, as `inspect()` counts it. */
export interface AppSnapshot {
  readonly connections: number;
  readonly channels: number;
  readonly groups: number;
  readonly memberships: number;
  /** Waiting for peers, answers of `deny` included. */
  readonly bufferedBytes: number;
  /** Waiting for handlers, unfinished messages and handshakes included. */
  readonly inboundBytes: number;
  /** Of open sockets: their requests, kept for who asks for the headers. */
  readonly headerBytes: number;
  /** Kept for who comes later, with what keeping costs. */
  readonly historyBytes: number;
  /** Of the app's own functions, which have not ended; a consumer between two frames counts as one. */
  readonly handlers: number;
  readonly counters: Counters;
}

// ── Channels and groups ─────────────────────────────────────────────────────────────────────────────────────────────

/** What a join has done; `CHANNEL_CLOSED` where the socket has ended. */
export type JoinResult = 'CHANNEL_ADDED' | 'CHANNEL_EXIST' | 'CHANNEL_CLOSED';
/** What a leave has done; `GROUP_REMOVED` where the channel was the last member. */
export type LeaveResult = 'CHANNEL_REMOVED' | 'CHANNEL_DOES_NOT_EXIST' | 'GROUP_REMOVED' | 'GROUP_DOES_NOT_EXIST';

/** What a channel is made with. */
export interface ChannelOptions {
  payloadType?: PayloadType;
  /** Seconds without a data frame; null: never. */
  expires?: number | null;
  metadata?: Readonly<Record<string, unknown>>;
}

/** A socket's membership card: what it is called, what it receives, and until when. */
export interface Channel {
  readonly uuid: string;
  /** Unix seconds. */
  readonly created: number;
  /** Seconds without a data frame in either direction; null: never. */
  expires: number | null;
  /** Unix seconds. */
  readonly expiresAt: number | null;
  readonly payloadType: PayloadType;
  readonly metadata: Readonly<Record<string, unknown>>;
  setMetadata(metadata: Readonly<Record<string, unknown>>): Promise<void>;
  isActive(): boolean;
  /** Counts as a data frame for the expiry. */
  touch(): void;
  send(payload: unknown): Promise<SendOutcome>;
  close(code?: number, reason?: string): Promise<void>;
}

/** From where a group is resumed. */
export interface ResumeOptions {
  /** Left out: from the oldest kept. */
  since?: Position | undefined;
  /** The newest so many; where it cuts messages off, `recovered` is false. */
  limit?: number;
  /** What it sends leaves before any frame of the group. */
  first?: (page: HistoryPage) => unknown;
}

/** How a message goes to a group. */
export interface GroupSendOptions {
  saveHistory?: boolean;
  except?: Channel | Iterable<Channel>;
  /**
   * Makes a retry safe: sent again with the same key, in the same group and epoch, by any node, while the history keeps the
   * first, it is published once; the later ones resolve with the first's position and all counts 0. 1–255 bytes of UTF-8.
   */
  key?: string;
}

/** Counts are this node's members, without the `except`ed; `sent + queued + dropped + closed === members`. */
export interface Delivery {
  readonly status: 'GROUP_SEND' | 'NO_SUCH_GROUP';
  readonly members: number;
  readonly sent: number;
  readonly queued: number;
  readonly dropped: number;
  readonly closed: number;
  /** How many nodes took the publish. */
  readonly nodes: number;
  /** Of the saved message. */
  readonly position?: Position;
}

/** The groups of an app, their members and their history. */
export interface ChannelBox {
  addChannelToGroup(channel: Channel, group?: string): Promise<JoinResult>;
  add(channel: Channel, group?: string): Promise<JoinResult>;
  /** Joins and reads the history since a position in one step: the page, then the frames that follow, is every saved message once. */
  resume(channel: Channel, group: string, options?: ResumeOptions): Promise<HistoryPage>;
  removeChannelFromGroup(channel: Channel, group?: string): Promise<LeaveResult>;
  remove(channel: Channel, group?: string): Promise<LeaveResult>;
  /** Rejects, before anyone is sent to, for what cannot be encoded. */
  groupSend(group: string, payload: unknown, options?: GroupSendOptions): Promise<Delivery>;
  /** To any live channel, grouped or not, on any node. */
  sendTo(channelId: string, payload: unknown): Promise<SendOutcome>;
  members(group: string): Promise<Member[]>;
  showGroups(): Promise<Map<string, Member[]>>;
  showHistory(): Promise<Map<string, HistoryPage>>;
  showHistory(group: string, options?: { since?: Position; limit?: number }): Promise<HistoryPage>;
  flushHistory(group?: string): Promise<void>;
  /** Empties every group of this node; the sockets stay. */
  flushGroups(): Promise<void>;
  /** Ends what is due now; for callers of Nexios's name, since a timer does it anyway. Resolves with how many. */
  cleanExpired(): Promise<number>;
  closeChannel(channelId: string, options?: CloseOptions): Promise<boolean>;
  closeGroup(group: string, options?: CloseOptions): Promise<number>;
  closeAllConnections(options?: CloseOptions): Promise<number>;
}

export type { Awaitable, CloseOptions, HistoryEntry, HistoryPage, Member, Message, PayloadType, Position, SendOutcome };
