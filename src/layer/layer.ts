/**
 * The contract stands between a box and whatever joins it to other nodes. `layer/memory.ts` is one node alone; a layer
 * over a broker implements the same interface, and `testing/conformance/layer.ts` checks every one of them.
 *
 * Two parties: the *box* calls the layer, and the layer calls the box back through `LocalNode`. What a layer can
 * answer at once it returns as a plain value, so that on one node a send has reached its members before the caller
 * goes on.
 *
 * Guarantees that every layer gives:
 * 1. Order: messages of one group reach each node in one order, that of their positions; none across groups.
 * 2. A saved message is handed to `LocalNode.deliver` once, in order; after a gap that cannot be filled the epoch changes and
 *    `LocalNode.missed` is called before anything newer is delivered. Unsaved messages come at most once; of a loss that is
 *    known `missed` tells as well.
 * 3. A page of history is given only after `LocalNode.deliver` was handed all that it holds, where this node subscribes the
 *    group: `HistoryQuery.caughtUp` says when, and what is delivered later is newer.
 * 4. A rejected publish is `LayerError`; its `delivered` says `not-sent` or `unknown`.
 * 5. A cluster-wide call that misses its deadline rejects with a `LayerError` carrying what it has and who is missing.
 */
import type { Payload } from '../protocol/payload.ts';
import type { Clock } from '../time/clock.ts';

export type { Payload };

/** A value, or a promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** What became of a message at one socket. */
export type SendOutcome = 'sent' | 'queued' | 'dropped' | 'closed';

/** A place in a group's history. A new epoch means that offsets of the old one say nothing any more. */
export interface Position {
  readonly epoch: string;
  /** Count of saved messages up to and including this one. */
  readonly offset: number;
}

/** One saved message. */
export interface HistoryEntry {
  readonly uuid: string;
  /** Unix seconds, as Nexios has it. */
  readonly created: number;
  readonly payload: unknown;
  readonly position: Position;
}

/** A stretch of the history of a group. */
export interface HistoryPage {
  /** Oldest first. */
  readonly messages: readonly HistoryEntry[];
  /** False when messages between `since` and this page are gone. */
  readonly recovered: boolean;
  /** Where to go on from: of the page's last message, or of the group's newest where the page is empty. */
  readonly position: Position;
}

/** One channel of a group, on whichever node. */
export interface Member {
  readonly uuid: string;
  readonly node: string;
  /** Unix seconds. */
  readonly created: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** How a socket is closed: code 1000 and no reason unless given. */
export interface CloseOptions {
  code?: number;
  reason?: string;
}

/** What is published to a group. */
export interface GroupMessage {
  readonly payload: Payload;
  /** Channel ids that do not receive it. */
  readonly except: readonly string[];
  readonly save: boolean;
  /**
   * Of a saved message: sent again with the same key, in the same group and epoch, by any node, while the log keeps the
   * first, it is published once; the later ones resolve with the first's position and all counts 0.
   */
  readonly key?: string;
}

/** What became of one publish among the members of one node; the four outcomes sum to `members`. */
export interface Counts {
  members: number;
  sent: number;
  queued: number;
  dropped: number;
  closed: number;
}

/** What became of one publish. */
export interface Published {
  /**
   * Of the node that published. Where the broker took the message and this node's own subscription just went, all its
   * members count as `queued` (saved: they get it from the log) or as `dropped` (unsaved).
   */
  readonly counts: Counts;
  /** How many nodes it was handed to. */
  readonly nodes: number;
  /** Whether any node has such a group. */
  readonly exists: boolean;
  readonly position?: Position;
}

/** A saved message, its payload still encoded. */
export interface Entry {
  readonly uuid: string;
  readonly created: number;
  readonly payload: Payload;
  readonly position: Position;
}

/** Which stretch of the history is asked for. */
export interface HistoryQuery {
  readonly since?: Position | undefined;
  readonly limit?: number | undefined;
  /** `oldest` pages forward from `since`; `newest` keeps what comes right before the present. */
  readonly keep: 'oldest' | 'newest';
  /**
   * A layer that answers later calls it once, at the very moment when the last of what the page holds has been delivered
   * here: what is delivered from then on is newer. Its answer may follow in its own time.
   */
  readonly caughtUp?: () => void;
}

/** A stretch of the history, its payloads still encoded. */
export interface EntryPage {
  readonly entries: readonly Entry[];
  readonly recovered: boolean;
  readonly position: Position;
}

/** Messages of a group that members of this node will not get: no history gives them back any more. */
export interface Missed {
  readonly reason: 'restart' | 'trimmed' | 'evicted' | 'connection';
  /** Whether saved messages are among them. */
  readonly saved: boolean;
  /** Of the last one that this node delivered. */
  readonly position: Position | undefined;
}

/** Whom a close order is for: one channel, the members of a group, or every channel. */
export type CloseTarget = { readonly channel: string } | { readonly group: string } | 'all';

/** The box of this node, as a layer sees it. All of it is synchronous. */
export interface LocalNode {
  /**
   * Hands a message to this node's members of the group, now. Members that bytes cannot reach count as dropped.
   * Throws what the app's own `frame` option throws, and nothing else: that is the publisher's to learn where it is on
   * this node, and otherwise for `LayerContext.report`.
   */
  deliver(group: string, message: GroupMessage, entry: Entry | undefined): Counts;
  /**
   * `undefined` where this node has no such channel.
   * Throws {BoxError} `CHANNELBOX_PAYLOAD_KIND`: for the caller to learn, on whichever node.
   */
  send(channel: string, payload: Payload): Awaitable<SendOutcome> | undefined;
  /** Closes channels of this node. @returns how many */
  close(target: CloseTarget, options: CloseOptions): number;
  /** Members of this node have missed messages of that group; called before anything newer is delivered to them. */
  missed(group: string, what: Missed): void;
  /** The members of a group on this node. */
  members(group: string): Member[];
  /** The groups that have members on this node. */
  groups(): Iterable<string>;
  /** Whether a group has members on this node. */
  hasGroup(group: string): boolean;
}

/** How much history is kept. */
export interface HistoryBounds {
  /** Payload bytes kept for each group. */
  readonly bytesMax: number;
  readonly countMax: number;
  readonly ttlMs: number;
  /** Over all groups, of what this process keeps, what keeping costs included; the group written longest ago is emptied first. A broker has its own limit. */
  readonly totalBytesMax: number;
}

/** What a layer may use of the node that it serves. */
export interface LayerContext {
  readonly local: LocalNode;
  readonly clock: Clock;
  readonly bounds: HistoryBounds;
  /** A fresh id. */
  uuid(): string;
  /** What went wrong outside of any call (a lost connection, a message that cannot be read): for the app's log. */
  report(error: unknown): void;
  /** Calls back at that time of the monotonic clock or later; one timer serves them all. */
  wakeAt(dueMs: number, wake: () => void): void;
}

/** How a layer is. */
export interface LayerHealth {
  /** `up` and `recovering` take publishes; what else there is, is the layer's own. */
  readonly status: string;
  /** Groups that catch up. */
  readonly behind?: number;
  /** Nodes that are known to live, this one included. */
  readonly nodes?: readonly string[];
  readonly warnings?: readonly string[];
}

/** Joins the boxes of several nodes; its guarantees stand at the top of this file. */
export interface ChannelLayer {
  /** The name of this node among the others. */
  readonly node: string;
  /**
   * Called once by the box, before anything else. A layer that has to connect first returns a promise: until it has
   * resolved upgrades are answered 503, and `App.listen` rejects with what it rejects with.
   */
  open(context: LayerContext): Awaitable<void>;
  /** Hands a message to every node that has members of the group, this one included. */
  publish(group: string, message: GroupMessage): Awaitable<Published>;
  /**
   * Before the first member of this node receives; resolved means that no later publish is missed.
   * Calls of `subscribe` and `unsubscribe` for one group come in turn and take effect in that order, awaited or not.
   * Once one has rejected, the box unsubscribes.
   */
  subscribe(group: string): Awaitable<void>;
  /** After the last member of this node has left. Never rejects for a lost connection: the reconnect puts it right. */
  unsubscribe(group: string): Awaitable<void>;
  /**
   * A member of this node came, or changed its metadata. Left out by a layer that asks `LocalNode.members` instead.
   * Of one member in one group the box awaits each `announce` and `retire` before the next.
   */
  announce?(group: string, member: Member): Awaitable<void>;
  /** A member of this node left; called with the id that it was announced by. Never rejects for a lost connection. */
  retire?(group: string, channel: string): Awaitable<void>;
  /** The members of a group, on all nodes. */
  members(group: string): Awaitable<Member[]>;
  /** Every group that has members, on all nodes. */
  groups(): Awaitable<Map<string, Member[]>>;
  /**
   * The id of a channel of this node, made of `uuid`, from which any node can tell where the channel lives.
   * Left out by a layer that needs no such thing: the uuid is the id then.
   */
  channelId?(uuid: string): string;
  /** To a channel on any node; `closed` where there is none. */
  send(channel: string, payload: Payload): Awaitable<SendOutcome>;
  /** How many channels, on all nodes, were told to close. */
  closeChannels(target: CloseTarget, options: CloseOptions): Awaitable<number>;
  /** A page of the history of a group. */
  history(group: string, query: HistoryQuery): Awaitable<EntryPage>;
  /** Groups that have history. */
  historyGroups(): Awaitable<string[]>;
  /** Without a group: of all groups. */
  flushHistory(group?: string): Awaitable<void>;
  /** Of this node's memory, for `App.inspect`. */
  readonly historyBytes: number;
  /** How it is, for `metricsText`. Left out by a layer that cannot fail. */
  health?(): LayerHealth;
  /** Numbers that only grow, by name, for `metricsText`. */
  metrics?(): object;
  /** Leaves the other nodes; nothing is delivered after it. */
  close(): Promise<void>;
}
