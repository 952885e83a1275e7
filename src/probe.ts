/**
 * What the testing kit, the simulator and the bridge see of a running app, and nothing else.
 * @internal Its members are theirs to agree with src; a program leaves all but `clock` alone.
 */
import type { Clock } from './time/clock.ts';
import type { Upgrade } from './transport/transport.ts';

export interface ErrorContext {
  readonly connection: string;
  /** The pattern of the route that matched. */
  readonly route: string | undefined;
  /** `middleware`, `handler`, or the consumer's hook. */
  readonly hook: string;
}

/** Who said no to a handshake. */
export type RefusalReason = 'handler' | 'middleware' | 'returned' | 'threw' | 'timeout' | 'route' | 'origin' | 'limit';

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

export interface Probe {
  readonly clock?: Clock;
  /** In place of random ids. */
  readonly uuid?: () => string;
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
  leave?(token: unknown): void;
  denied?(upgrade: Upgrade, denial: Denial): void;
  failed?(error: unknown, context: ErrorContext, upgrade: Upgrade): void;
}
