import type { Message } from '../transport.ts';

/** What few sockets ever need, apart from those that all do. */
export interface Occasional {
  /** What came before anyone listened. */
  early?: Message[] | undefined;
  drainWaiters?: (() => void)[] | undefined;
  /** ws's own `send` was called, and may have begun what is not to be interrupted. */
  usesSend?: boolean;
  /** Of the close frame that answers a breach of protocol. */
  protocolErrorCode?: number;
  end?: End;
}

export interface End {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}
