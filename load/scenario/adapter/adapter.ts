/**
 * An adapter says how the protocol under test joins, publishes and shows a message. The stamp carries identity, order,
 * time and a checksum of itself; the server must pass it on. It is at most 48 characters of `A–Z a–z 0–9 - _ ~`, which
 * no JSON, URL or HTML escaping touches.
 */
export interface Adapter {
  /** Path and query that a client opens. */
  path(client: ClientPlace): string;
  subprotocols?: readonly string[] | ((client: ClientPlace) => readonly string[]);
  /** Headers of the handshake, besides those of the protocol. */
  headers?(client: ClientPlace): Readonly<Record<string, string>>;
  /** Sent once open; left out where the path alone joins. */
  join?(client: ClientPlace): readonly (string | Uint8Array)[];
  /** True for the frame that says the join is done; left out: joined once open. */
  isJoined?(frame: string | Uint8Array, client: ClientPlace): boolean;
  /** The frame that publishes a message with this stamp. */
  publish(stamp: string, payload: unknown, client: ClientPlace): string | Uint8Array;
  /** The stamp (or, of a batch, the stamps) inside a received frame; undefined for a frame that is no delivery. */
  stampOf(frame: string | Uint8Array): string | readonly string[] | undefined;
  /** Answers to a received frame, from open on: handshakes in steps, pings of the application. */
  reply?(frame: string | Uint8Array, client: ClientPlace): readonly (string | Uint8Array)[] | undefined;
  /** Who receives a publish: the room (default), or, as with an echo, its sender alone. */
  reach?: 'room' | 'sender';
  /** Whether a sender gets its own message; default true. */
  echoes?: boolean;
  /** Names a frame that is no delivery, for the count of them. */
  kindOf?(frame: string | Uint8Array): string;
  /**
   * A protocol that gives back what was missed: the path or first frames of a client that comes back, in place of those of
   * `path` and `join`. `last` is the newest frame it had that was a delivery or the answer to its join. Then losses count
   * across the reconnect.
   */
  resume?(
    client: ClientPlace,
    last: string | Uint8Array | undefined,
  ): { path?: string; frames?: readonly (string | Uint8Array)[] };
}

/** Which client this is, counted from 0 over the whole run, and the room it is in. */
export interface ClientPlace {
  readonly index: number;
  readonly room: string;
  /** What the scenario's `prepare` resolved to for it. */
  // oxlint-disable-next-line typescript/no-explicit-any -- only the scenario knows what its prepare gives
  readonly prepared?: any;
}
