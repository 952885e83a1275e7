/**
 * The testing kit, the simulator and the bridge see this of a running app, and nothing else.
 * @internal Its members are theirs to agree with src; a program leaves all but `clock` alone.
 */
import type { Logger } from './api.ts';
import type { Counts, Entry, GroupMessage, SendOutcome } from './layer/layer.ts';
import type { RefusalReason } from './protocol/counters.ts';
import type { Frame } from './protocol/frame.ts';
import type { Clock } from './time/clock.ts';
import type { Upgrade } from './transport/transport.ts';

/** Where an error was thrown. */
export interface ErrorContext {
  /** Undefined where it belongs to none. */
  readonly connection: string | undefined;
  /** The pattern of the route that matched. */
  readonly route: string | undefined;
  /** `middleware`, `handler`, or the consumer's hook. */
  readonly hook: string;
}

/** How a handshake was refused. */
export interface Denial {
  readonly by: RefusalReason;
  /** Of `ws.close(code)` before accept. */
  readonly code?: number;
  readonly error?: unknown;
}

/** One connection as a probe sees it. */
export interface ProbedConnection {
  readonly upgrade: Upgrade;
  readonly id: string;
  readonly route: string | undefined;
  /** Which of the app's own functions runs, or ran last. */
  readonly hook: string;
  readonly isOpen: boolean;
  /** Groups that its channel is in. */
  readonly memberships: readonly string[];
}

/** Who watches a running app; each part is called only where it is there. */
export interface Probe {
  readonly clock?: Clock;
  /** In place of the app's own. */
  readonly logger?: Logger;
  /** In place of random ids. */
  readonly uuid?: () => string;
  /** In place of the event loop, for the end of a turn: calls what it is given, once. That says whether it did anything. */
  readonly loop?: (end: () => boolean) => void;
  /** Calls that fail, and that nobody awaits, do not tell where they were made: for runs that can be repeated. */
  readonly skipsSites?: boolean;
  /** Runs what the app does for one connection: its middleware, its handler, its hooks. */
  run?(connection: ProbedConnection, body: () => Promise<void>): Promise<void>;
  /** A consumer waits for its next frame: nothing of it is suspended, so nothing else tells. */
  rest?(connection: ProbedConnection): void;
  /** Ends that rest, and runs what a frame or the end of the connection sets off. */
  wake?<T>(connection: ProbedConnection, body: () => T): T;
  /** Stands in for what a transport brought: to count what passes, or to pretend where it comes from. */
  upgrade?(upgrade: Upgrade): Upgrade;
  /** The app's own code called the framework. */
  called?(call: string): void;
  /** A promise of the framework begins to be waited for; what it returns is handed to `leave`. */
  enter?(call: string): unknown;
  /** That promise is waited for no more. */
  leave?(token: unknown): void;
  /** A handshake was refused. */
  denied?(upgrade: Upgrade, denial: Denial): void;
  /** The app's own code threw. */
  failed?(error: unknown, context: ErrorContext, upgrade: Upgrade): void;
  /** From here on its channel is a member of the group on this node. */
  joined?(connection: ProbedConnection, group: string): void;
  /** From here on its channel is no member of the group. */
  left?(connection: ProbedConnection, group: string): void;
  /** A message is about to be handed to this node's members of the group; what it returns goes with all that follows from it. */
  delivering?(group: string, message: GroupMessage, entry: Entry | undefined): unknown;
  /** That message has been handed to all members of this node. */
  delivered?(token: unknown, counts: Counts): void;
  /** A frame of that delivery, before anyone is written to: the wires get this very object, also after a resume held it. */
  held?(frame: Frame, token: unknown): void;
  /** What became of a group's frame at one member; `queued` first and something else later where a resume held it. */
  outcome?(connection: ProbedConnection, outcome: SendOutcome, frame: Frame): void;
  /** One of a consumer's own hooks begins, or has ended. */
  hook?(connection: ProbedConnection, name: string, step: 'begin' | 'end' | 'threw'): void;
}

/** Tells a probe that what is waited for is a promise of ours. */
export function whileWaiting<T>(probe: Probe | undefined, call: string, promise: Promise<T>): Promise<T> {
  if (probe?.enter === undefined) return promise;
  const token = probe.enter(call);
  return promise.finally(() => probe.leave?.(token));
}
