/** Actions, `connect`, `react` and conditions see a simulated client by this, and draw the choices of one step. */
export interface SimClient {
  /** `c1`, `c2`, …; stays the same over reconnects. */
  readonly name: string;
  readonly state: 'closed' | 'connecting' | 'open' | 'closing';
  readonly isOpen: boolean;
  /** The client's own memory, for `react` and `connect`. Empty at the start of each run. */
  // oxlint-disable-next-line no-explicit-any -- what a simulation keeps there is its own affair
  readonly data: Record<string, any>;
  /** Ignored unless closed. */
  connect(path: string, options?: Omit<ConnectTo, 'path'>): void;
  /** Ignored unless open, as all that follow. */
  send(data: string | Uint8Array): void;
  /** Sends it as JSON. Ignored unless open. */
  sendJson(value: unknown): void;
  /** Starts the closing handshake. Ignored unless open. */
  close(code?: number, reason?: string): void;
  /** Vanishes: the server sees 1006. */
  drop(): void;
  /** Reads no further, as a slow reader does. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /**
   * For actions that are async: the first frame to come that matches; virtual time. Such a client does nothing else
   * meanwhile. Rejects when the connection ends first, which ends the action and is no failure.
   */
  // oxlint-disable-next-line no-explicit-any -- a frame is what the app sends
  next<T = any>(match?: (frame: T) => boolean): Promise<T>;
  /** Waits, in virtual time. */
  sleep(ms: number): Promise<void>;
}

/** Where a client connects. */
export interface ConnectTo {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: one that is drawn. */
  readonly node?: string;
}

/** What a client is told. */
export type SimClientEvent =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'frame';
      readonly text: string;
      /** Its JSON, else its text. */
      // oxlint-disable-next-line no-explicit-any -- a frame is what the app sends
      readonly json: any;
    }
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

/** Choices of one step, on the tape: 0, the first, false are the simplest. */
export interface Draw {
  /** 0 … n − 1. */
  int(n: number): number;
  /** One of the list; the first is the simplest. */
  pick<const T>(list: readonly T[]): T;
  /** True with that probability; false is the simplest. */
  chance(p: number): boolean;
  /** A text no other message of the run has, `~c1.7~`: checkers know a message again by it, wherever in a frame it stands. */
  stamp(): string;
}
