import type { Clock, Timer } from '../../../src/index.ts';
import type { Occurrence } from './queue.ts';
import type { World } from './world.ts';

/** What the framework calls its own timer: nobody's leftover, and set off by no step. */
const ownLabel = 'channelbox deadlines';
const startMs = Date.UTC(2025, 0, 1);

/** The node a clock belongs to. */
export interface ClockHost {
  readonly world: World;
  /** Runs the node's code, later where it is paused, never where it has crashed. */
  enter(run: () => void, owner: unknown): void;
}

export class NodeTimer implements Timer {
  readonly dueMs: number;
  readonly label: string;
  /** The connection whose code set it. */
  readonly owner: unknown;
  happening: Occurrence | undefined = undefined;

  constructor(dueMs: number, label: string, owner: unknown) {
    this.dueMs = dueMs;
    this.label = label;
    this.owner = owner;
  }

  get isOwn(): boolean {
    return this.label === ownLabel;
  }
}

/**
 * One node has its own virtual time. Its wall clock may jump; its monotonic one goes on through a pause, as a
 * machine's does.
 */
export class NodeClock implements Clock {
  readonly timers: Set<NodeTimer> = new Set();
  /** How far the wall clock has jumped. */
  jumpMs: number = 0;
  readonly #host: ClockHost;

  constructor(host: ClockHost) {
    this.#host = host;
  }

  now(): number {
    return startMs + this.#host.world.nowMs + this.jumpMs;
  }

  monotonic(): number {
    return this.#host.world.nowMs;
  }

  setTimeout(callback: () => void, ms: number, label = ''): Timer {
    const { world } = this.#host;
    const waitMs = Math.max(0, Math.ceil(Number.isFinite(ms) ? ms : 0));
    const timer = new NodeTimer(world.nowMs + waitMs, label, world.context?.connection);
    this.timers.add(timer);
    const fire = (): void => {
      if (!this.timers.delete(timer)) return;
      callback();
    };
    const enter = (): void => this.#host.enter(fire, timer.owner);
    timer.happening = world.reach(waitMs, enter, timer.isOwn ? 0 : world.cause);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    if (!(timer instanceof NodeTimer) || !this.timers.delete(timer)) return;
    if (timer.happening !== undefined) timer.happening.isCancelled = true;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        this.clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const onTime = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const timer = this.setTimeout(onTime, ms, 'clock.sleep');
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
