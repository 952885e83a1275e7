/**
 * This contract is what channelbox asks of a transport, and nothing else: an upgrade request comes in, and, accepted,
 * becomes a wire. `transport/node/node.ts` implements it over npm `ws`, the testing kit in memory;
 * `testing/conformance/transport.ts` is the suite that each of them passes.
 */
import type { IncomingMessage } from 'node:http';
import type { Frame } from '../protocol/frame.ts';
import type { Message } from '../protocol/message.ts';

export type { Message };

/** What an accept says to the client, and what it bounds. */
export interface UpgradeAnswer {
  subprotocol?: string;
  headers?: readonly (readonly [string, string])[];
  /** Of one message; a larger one ends the wire with 1009. Default 1 MiB. */
  maxPayloadBytes?: number;
  /** Fragments of one message; more end the wire with 1008. Default 16 384. */
  maxFragments?: number;
}

/** A client asks to be let in. Exactly one of `accept` and `deny` is called, once. */
export interface Upgrade {
  readonly url: URL;
  /** The request's path as it came, still escaped: spares an app that only routes the making of `url`. */
  readonly path?: string;
  readonly method: string;
  /** As they came, in order; names in the case they came in. */
  readonly headers: readonly (readonly [string, string])[];
  /** The first of that name, given in lower case: spares an app that needs one the making of `headers`. */
  header?(name: string): string | undefined;
  readonly client: { readonly host: string; readonly port: number };
  /** Of the Node transport, and one made of the same facts over memory; undefined once it is answered. */
  readonly request?: IncomingMessage | undefined;
  /** Aborts when the client leaves before it is answered. */
  readonly signal: AbortSignal;
  /** What it holds before it is answered: the request, and what the client has sent behind it. Left out: nothing that counts. */
  readonly askingBytes?: number;
  /** What is kept of the request once it is answered, for whoever asks for its headers. */
  readonly keptBytes?: number;
  /** Answers 101. Rejects with `WebSocketDisconnect` 1006 when the client has left. */
  accept(options: UpgradeAnswer): Promise<Wire>;
  /** The same at once, for a transport that can: spares the promise. Undefined when the client has left. */
  acceptNow?(options: UpgradeAnswer): Wire | undefined;
  /** Answers with something else than 101. */
  deny(response: Response): Promise<void>;
}

/**
 * One open socket. Nothing here makes a promise for a frame: a fan-out calls `write` once a member.
 * A turn is the stretch from the first write to the next time the event loop comes round to flushing.
 */
export interface Wire {
  /** `queued`: it waits behind bytes of an earlier turn. `closed`: nothing was taken. Never throws. */
  write(frame: Frame): 'sent' | 'queued' | 'closed';
  /** Resolves when nothing is left to hand over, or when the wire has closed. */
  drained(): Promise<void>;
  /** All that is not yet handed to the peer's side, this turn's writes included. */
  readonly bufferedBytes: number;
  /** Of these, what an earlier turn of the event loop left. */
  readonly waitingBytes: number;
  /** Reads no further; what one read already brought is still handed out. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Sends a ping (RFC 6455 §5.5.2); its pong is an event. */
  ping(): void;
  /** Starts the closing handshake behind everything written so far; reading goes on. */
  close(code: number, reason: string): void;
  /** Ends it without a handshake: the peer sees 1006. */
  terminate(): void;
  /** Called once, right after `accept`; frames that came earlier are handed out after it. */
  listen(events: WireEvents): void;
  /**
   * False while the peer's side of it, a descriptor, is still there: `WireEvents.released` then follows `close`.
   * Left out by a transport that has nothing to let go of.
   */
  readonly isReleased?: boolean;
  /**
   * True of a wire that tells by `WireEvents.behind` when a turn ends with bytes that still wait: nobody looks for them then.
   * Left out: it is looked at after each turn in which it wrote.
   */
  readonly tellsBehind?: boolean;
}

/** What a wire tells the framework. */
export interface WireEvents {
  /**
   * A message came, whole.
   * @param byteLength of its payload, where the transport knows it: spares the counting
   */
  frame(message: Message, byteLength?: number): void;
  /** A ping came, and the transport has answered it. */
  ping?(): void;
  /** A pong came, asked for or not. */
  pong(): void;
  /**
   * A ping or a pong came. `isUnread`: what answered earlier ones still waits, from an earlier turn.
   * Left out by a transport whose peers send none.
   */
  control?(isUnread: boolean): void;
  /** After each read: what has come of a message that is not finished, and in how many fragments; 0 bytes: there is none. */
  unfinished?(bytes: number, fragments: number): void;
  /** A turn in which it wrote is over, and bytes still wait. Only of a wire that has `Wire.tellsBehind`. */
  behind?(): void;
  /** Exactly once, after the last frame. */
  close(code: number, reason: string, wasClean: boolean): void;
  /** The descriptor is gone. Once, after `close`, where `Wire.isReleased` was false then. */
  released?(): void;
}
