/**
 * Here stands every error that channelbox throws, with its stable code. `docs/errors.md` heads each code. A message
 * says what came, what was allowed and what to do; `cause` keeps what lay beneath.
 */

type ErrorCode = `CHANNELBOX_${string}`;

/** The page that heads every code. */
const page = 'https://github.com/channelbox/channelbox/blob/main/docs/errors.md';

/** The root of all errors of wrong use and refused input. */
export class ChannelBoxError extends Error {
  override readonly name: string = 'ChannelBoxError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions);
  /** As any Error is made, for a class of your own that sets its code itself. */
  constructor(message?: string, options?: ErrorOptions);
  constructor(first?: string, second?: string | ErrorOptions, options?: ErrorOptions) {
    super(...(typeof second === 'string' ? ([second, options] as const) : ([first, second] as const)));
    this.code = typeof second === 'string' ? (first as ErrorCode) : 'CHANNELBOX_ERROR';
  }

  /** Address of the section that explains the code: what came, what to do. */
  get help(): string {
    return `${page}#${this.code.toLowerCase()}`;
  }
}

/** A bad path, handler, mount or duplicate route: thrown where it is registered. */
export class RouteError extends ChannelBoxError {
  override readonly name: string = 'RouteError';
}

/** A step of the handshake that is not legal in the socket's present state, or a handshake that failed. */
export class HandshakeError extends ChannelBoxError {
  override readonly name: string = 'HandshakeError';
}

/** One thing that a schema found wrong, and where: the keys from the message's top to it, none where it is the message itself. */
export interface FrameIssue {
  readonly message: string;
  readonly path?: readonly PropertyKey[];
}

export interface FrameErrorOptions extends ErrorOptions {
  issues?: readonly FrameIssue[] | undefined;
}

/** What a peer sent is not what the handler asked for. The socket lives on. */
export class FrameError extends ChannelBoxError {
  override readonly name: string = 'FrameError';
  readonly kind: 'wrong-type' | 'bad-json' | 'bad-utf8' | 'refused-by-schema';
  /** Of the schema, with their paths; none where no schema refused it. */
  readonly issues: readonly FrameIssue[];

  constructor(kind: FrameError['kind'], message: string, options?: FrameErrorOptions);
  constructor(message?: string, options?: FrameErrorOptions);
  constructor(first?: string, second?: string | FrameErrorOptions, options?: FrameErrorOptions) {
    const kind = typeof second === 'string' ? (first as FrameError['kind']) : 'wrong-type';
    const [message, rest] = typeof second === 'string' ? [second, options] : [first ?? '', second];
    super(`CHANNELBOX_FRAME_${kind.toUpperCase().replaceAll('-', '_')}` as ErrorCode, message, rest);
    this.kind = kind;
    this.issues = rest?.issues ?? [];
  }
}

/** Wrong use of a channel, a group, a payload or the history. */
export class BoxError extends ChannelBoxError {
  override readonly name: string = 'BoxError';
}

/** A limit that the caller passed. */
export class LimitError extends ChannelBoxError {
  override readonly name: string = 'LimitError';
}

export interface LayerErrorOptions extends ErrorOptions {
  delivered?: 'not-sent' | 'unknown' | undefined;
  partial?: unknown;
  missing?: readonly string[];
}

/** The layer between nodes failed or missed its deadline; it carries what it has and who did not answer. */
export class LayerError extends ChannelBoxError {
  override readonly name: string = 'LayerError';
  /** Of a publish: whether sending it again, without a key, may double it. */
  readonly delivered: 'not-sent' | 'unknown' | undefined;
  /** What a cluster-wide call has of its result; undefined where it has nothing. */
  readonly partial: unknown;
  /** Nodes that did not answer in time. */
  readonly missing: readonly string[];

  constructor(code: ErrorCode, message: string, options?: LayerErrorOptions);
  constructor(message?: string, options?: LayerErrorOptions);
  constructor(first?: string, second?: string | LayerErrorOptions, options?: LayerErrorOptions) {
    super(first as ErrorCode, second as string, options);
    const { delivered, partial, missing } = (typeof second === 'string' ? options : second) ?? {};
    this.delivered = delivered;
    this.partial = partial;
    this.missing = missing ?? [];
  }
}

/**
 * What `receive*` rejects with when the peer has gone, and the reason of `ws.signal`.
 * An ordinary end of a conversation: it carries no stack, which would cost more than the rest of a disconnect.
 */
export class WebSocketDisconnect extends Error {
  override readonly name: string = 'WebSocketDisconnect';
  /** Close code, RFC 6455 §7.4: 1005 when the peer sent none, 1006 when it vanished. */
  readonly code: number;
  readonly reason: string;
  /** True when both sides exchanged close frames. */
  readonly wasClean: boolean;

  constructor(code: number, reason: string, wasClean: boolean);
  /** As any Error is made: of a connection that vanished. */
  constructor(message?: string, options?: ErrorOptions);
  constructor(first: number | string = '', second: string | ErrorOptions = '', wasClean: boolean = false) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    const [code, reason] = typeof first === 'number' ? [first, second as string] : [1006, ''];
    super(
      typeof first === 'number' ? `the connection ended with ${code}${reason === '' ? '' : ` ${reason}`}` : first,
      typeof second === 'object' ? second : undefined,
    );
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

/** The codes of what an app may hand on from outside unchecked: a group's name from a path, a position from a query. */
const codesFromOutside: readonly string[] = [
  'CHANNELBOX_GROUP_NAME',
  'CHANNELBOX_GROUP_NAME_BYTES',
  'CHANNELBOX_GROUPS_PER_CHANNEL',
  'CHANNELBOX_HISTORY_LIMIT',
  'CHANNELBOX_POSITION',
];

/** Whether a stranger can cause it at will: then it is refused, and no error of the app. */
export function isFromOutside(error: unknown): error is ChannelBoxError {
  return isA(error, ChannelBoxError) && codesFromOutside.includes(error.code);
}

/** As `instanceof`, of anything that was thrown: a Proxy that does not want to be looked at is none of ours. */
export function isA<T>(value: unknown, type: abstract new (...given: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** Its message, of anything that was thrown. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'a value that does not want to be looked at';
  }
}
