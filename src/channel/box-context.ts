import type { HistoryBounds, LayerContext, LocalNode } from '../layer/layer.ts';
import type { Clock } from '../time/clock.ts';
import type { Scheduler } from '../time/scheduler.ts';

/**
 * A box lends this to its layer. It is a class because of `clock`: a getter in an object literal would give each box a hidden
 * class of its own, which keeps the box alive until the old generation is collected.
 */
export class BoxContext implements LayerContext {
  readonly local: LocalNode;
  readonly bounds: HistoryBounds;
  readonly uuid: () => string;
  readonly report: (error: unknown) => void;
  readonly wakeAt: (dueMs: number, wake: () => void) => void;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, parts: Pick<LayerContext, 'local' | 'bounds' | 'uuid' | 'report'>) {
    this.#scheduler = scheduler;
    this.local = parts.local;
    this.bounds = parts.bounds;
    this.uuid = parts.uuid;
    this.report = parts.report;
    const wakeAt = (dueMs: number, wake: () => void): void =>
      scheduler.deadlines.schedule({ dueMs, heapIndex: -1, onDue: wake });
    this.wakeAt = wakeAt;
  }

  /** That of the app, once the box has one. */
  get clock(): Clock {
    return this.#scheduler.clock;
  }
}
