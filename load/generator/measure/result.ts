import type { Settlement } from '../../ledger/settlement.ts';
import type { Measures } from './measures.ts';
import type { GeneratorResult } from '../../message.ts';

/** What one generator has to say at the end, as plain data. */
export function resultOf(
  measures: Measures,
  settlement: Settlement,
  health: Readonly<Record<string, number>>,
): GeneratorResult {
  const { expected, received, lost, reordered, late, indeterminate, violations, lostByRoom } = settlement;
  return {
    counts: measures.total,
    settled: { expected, received, lost, reordered, late, indeterminate },
    lostByRoom: [...lostByRoom],
    violations: [...measures.violations, ...violations],
    histograms: {
      connect: measures.connect.whole.toCells(),
      fanout: measures.fanout.whole.toCells(),
      fanoutFromSend: measures.fanoutFromSend.whole.toCells(),
      echo: measures.echo.whole.toCells(),
      lateness: measures.lateness.whole.toCells(),
    },
    fanoutByBucket: [...measures.fanoutByBucket].map(([bucket, histogram]) => [bucket, histogram.toCells()]),
    lastReceivers: measures.lastReceivers.toPlain(),
    openedUs: Float64Array.from(measures.openedUs),
    closedUs: Float64Array.from(measures.closedUs),
    closes: [...measures.closes],
    errors: measures.errors,
    marks: measures.marks,
    joined: measures.joined,
    scriptFailures: measures.scriptFailures,
    health,
  };
}
