import type { Checker, SimEvent, SimView } from '../api/event.ts';

export interface MemoryBounds {
  readonly historyBytes?: number;
  readonly bufferedBytes?: number;
}

interface Peaks {
  samples: number;
  historyBytes: number;
  bufferedBytes: number;
  /** The last event before the bound was passed. */
  at: SimEvent | undefined;
  node: string;
}

/**
 * This checker asks that all that `app.inspect()` says a node keeps, and has waiting, stays within the bounds after
 * every event.
 */
export function memoryBounded({ historyBytes = Infinity, bufferedBytes = Infinity }: MemoryBounds): Checker {
  const peaks = new WeakMap<SimView, Peaks>();
  const watch = (view: SimView): void => {
    const peak = peaks.get(view) ?? { samples: 0, historyBytes: 0, bufferedBytes: 0, at: undefined, node: '' };
    peaks.set(view, peak);
    if (peak.at !== undefined) return;
    for (const { name, app } of view.nodes) {
      const now = app.inspect();
      peak.samples += 1;
      peak.historyBytes = Math.max(peak.historyBytes, now.historyBytes);
      peak.bufferedBytes = Math.max(peak.bufferedBytes, now.bufferedBytes);
      if (now.historyBytes <= historyBytes && now.bufferedBytes <= bufferedBytes) continue;
      peak.at = view.history.at(-1);
      peak.node = name;
      return;
    }
  };
  const checker: Checker & { watch(view: SimView): void } = {
    name: 'memoryBounded',
    watch,
    check: (run) => {
      const peak = peaks.get(run);
      if (peak === undefined) return { checked: 0 };
      const checked = peak.historyBytes + peak.bufferedBytes > 0 ? peak.samples : 0;
      if (peak.at === undefined) return { checked };
      const message =
        `${peak.node} kept ${peak.historyBytes} bytes of history and had ${peak.bufferedBytes} bytes waiting; ` +
        `allowed are ${historyBytes} and ${bufferedBytes}`;
      return { checked, fault: { message, witness: [peak.at] } };
    },
  };
  return checker;
}
