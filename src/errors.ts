/**
 * Every error channelbox throws, with its stable code. `docs/errors.md` heads each code.
 * A message says what came, what was allowed and what to do; `cause` keeps what lay beneath.
 */

/** The root of all errors of wrong use and refused input. */
export class ChannelBoxError extends Error {
  override readonly name: string = 'ChannelBoxError';
  readonly code: `CHANNELBOX_${string}`;

  constructor(code: `CHANNELBOX_${string}`, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
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

/** What a peer sent is not what the handler asked for. The socket lives on. */
export class FrameError extends ChannelBoxError {
  override readonly name: string = 'FrameError';
  readonly kind: 'wrong-type' | 'bad-json' | 'bad-utf8' | 'refused-by-schema';

  constructor(kind: FrameError['kind'], message: string, options?: ErrorOptions) {
    super(`CHANNELBOX_FRAME_${kind.toUpperCase().replaceAll('-', '_')}` as `CHANNELBOX_${string}`, message, options);
    this.kind = kind;
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
  partial?: unknown;
  missing?: readonly string[];
}

/** The layer between nodes failed or missed its deadline; it carries what it has and who did not answer. */
export class LayerError extends ChannelBoxError {
  override readonly name: string = 'LayerError';
  /** What a cluster-wide call has of its result; undefined where it has nothing. */
  readonly partial: unknown;
  /** Nodes that did not answer in time. */
  readonly missing: readonly string[];

  constructor(code: `CHANNELBOX_${string}`, message: string, options: LayerErrorOptions = {}) {
    super(code, message, options);
    this.partial = options.partial;
    this.missing = options.missing ?? [];
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

  constructor(code: number, reason: string, wasClean: boolean) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(`the connection ended with ${code}${reason === '' ? '' : ` ${reason}`}`);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}
