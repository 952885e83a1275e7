import type { LatencyHistogram } from '../../ledger/histogram.ts';
import type { Settlement, SettledSlice } from '../../ledger/settlement.ts';
import type { GeneratorResult, PlainSlice } from '../../message.ts';
import type { Measures, SliceMeasures } from './measures.ts';

/** What the ledger says of each stage and each target. */
export interface SettledSlices {
  readonly stages: readonly SettledSlice[];
  readonly targets: readonly SettledSlice[];
}

/** One generator says at the end, as plain data, what it has found. */
export function resultOf(
  measures: Measures,
  settlement: Settlement,
  slices: SettledSlices,
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
      prepare: measures.prepare.whole.toCells(),
      lateness: measures.lateness.whole.toCells(),
    },
    fanoutByBucket: [...measures.fanoutByBucket].map(([bucket, histogram]) => [bucket, histogram.toCells()]),
    lastReceivers: measures.lastReceivers.toPlain(),
    openedUs: Float64Array.from(measures.openedUs),
    closedUs: Float64Array.from(measures.closedUs),
    closes: [...measures.closes],
    drops: [...measures.drops],
    refusals: [...measures.refusals],
    frames: [...measures.frames],
    firstFrames: measures.firstFrames,
    stages: plainSlices(measures.stages, slices.stages),
    targets: plainSlices(measures.targets, slices.targets),
    absencesMs: Float64Array.from(measures.absencesMs),
    awayMs: Float64Array.from(measures.awayMs),
    errors: measures.errors,
    marks: measures.marks,
    joined: measures.joined,
    scriptFailures: measures.scriptFailures,
    health,
  };
}

function plainSlices(measured: readonly SliceMeasures[], settled: readonly SettledSlice[]): PlainSlice[] {
  const cells = (histogram: LatencyHistogram): Float64Array => histogram.toCells();
  return measured.map(({ fanout, connect }, index) => ({
    published: settled[index]?.published ?? 0,
    received: settled[index]?.received ?? 0,
    lost: settled[index]?.lost ?? 0,
    fanout: cells(fanout),
    connect: cells(connect),
  }));
}
