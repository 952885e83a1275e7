import { WebSocketDisconnect } from '../errors.ts';
import { closeCode } from '../protocol/close-code.ts';

/** An ending says how a socket ended, or is to end. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  /** Whether both sides exchanged close frames. */
  readonly wasClean: boolean;
}

/** The end of a peer that was cut off, or left unanswered (RFC 6455 §7.1.5). */
export const vanished: Ending = { code: closeCode.abnormal, reason: '', wasClean: false };

/** The end of a peer that passed a limit. */
export function offence(reason: string, code: number = closeCode.policyViolation): Ending {
  return { code, reason, wasClean: true };
}

export const tooSlow: Ending = { code: closeCode.tryAgainLater, reason: 'too slow', wasClean: true };
export const expired: Ending = { code: closeCode.channelExpired, reason: 'expired', wasClean: true };

/**
 * The end of one socket, and who waits for it: signal, disconnect, and the promise of a `close`. Made when the first of
 * them is asked for: an idle socket has none.
 */
export class SocketEnd {
  /** A close that came while the accept was on its way. */
  closesAs: Ending | undefined = undefined;
  #ending: Ending | undefined = undefined;
  #disconnect: WebSocketDisconnect | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;
  #tellClosed = (): void => {};

  get hasCome(): boolean {
    return this.#ending !== undefined;
  }

  get code(): number {
    return this.#ending?.code ?? 0;
  }

  get reason(): string {
    return this.#ending?.reason ?? '';
  }

  /** What `receive*` rejects with once it is over. */
  get disconnect(): WebSocketDisconnect {
    this.#disconnect ??= new WebSocketDisconnect(this.code, this.reason, this.#ending?.wasClean ?? false);
    return this.#disconnect;
  }

  /** Aborts with the disconnect. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.hasCome) this.#abort.abort(this.disconnect);
    }
    return this.#abort.signal;
  }

  /** Resolved when the closing handshake has ended; undefined where nobody has begun one. */
  get closed(): Promise<void> | undefined {
    return this.#closed;
  }

  /** From here on a closing handshake is waited for. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    return this.#closed;
  }

  /** The closing handshake has ended, or never will. */
  settle(): void {
    this.#tellClosed();
  }

  /** The first end counts: its code is what everyone learns. */
  come(ending: Ending): void {
    this.#ending = ending;
    this.#abort?.abort(this.disconnect);
  }
}
