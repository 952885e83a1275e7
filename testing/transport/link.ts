import type { Message, Upgrade } from '../../src/index.ts';

/** What a client asks to be let in with. */
export interface LinkRequest {
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly subprotocols: readonly string[];
  /** Where it pretends to come from. */
  readonly client?: { readonly host: string; readonly port: number } | undefined;
}

export interface Refused {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** What happens to a client; in order, and nothing before `opened`. */
export interface LinkEvents {
  /** What the app was asked with; not told where the app is out of reach. */
  asked?(upgrade: Upgrade): void;
  opened(answer: { subprotocol: string; headers: Headers }): void;
  refused(answer: Refused): void;
  frame(message: Message): void;
  closed(code: number, reason: string, wasClean: boolean): void;
}

/** A link is the client's end of a connection. */
export interface Link {
  send(data: string | Uint8Array): void;
  close(code: number | undefined, reason: string): void;
  /** Vanishes: no close frame. */
  drop(): void;
  pause(): void;
  resume(): void;
}

/** One way to reach an app, or whatever speaks WebSocket. */
export interface LinkTransport {
  connect(request: LinkRequest, events: LinkEvents): Link;
  /** Whether anything is on its way between the two ends. */
  isInFlight(): boolean;
  close(): Promise<void>;
}
