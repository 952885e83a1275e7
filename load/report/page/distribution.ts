import { LatencyHistogram } from '../../ledger/histogram.ts';

/** A point of a percentile curve; `nines` is 1 at p90, 2 at p99. */
export interface CurvePoint {
  readonly nines: number;
  readonly valueMs: number;
}

export interface Bin {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/**
 * The percentile curve of an encoded histogram has eight points to each power of ten, and ends with the maximum. Empty
 * where there is no histogram, or nothing in it.
 */
export function curveOf(encoded: string | undefined): readonly CurvePoint[] {
  const histogram = decoded(encoded);
  if (histogram === undefined) return [];
  const last = Math.log10(histogram.count);
  const points: CurvePoint[] = [];
  for (let step = 0; step / 8 < last; step += 1) {
    const nines = step / 8;
    points.push({ nines, valueMs: histogram.percentileMs(100 * (1 - 10 ** -nines)) });
  }
  points.push({ nines: last, valueMs: histogram.maxMs });
  return points;
}

/**
 * Counts in bins that grow by about half each (1, 1.5, 2, 3, 5, 7, 10, …), from the first that holds something to the last.
 * Empty where there is no histogram, or nothing in it.
 */
export function binsOf(encoded: string | undefined): readonly Bin[] {
  const histogram = decoded(encoded);
  if (histogram === undefined) return [];
  const bins: Bin[] = [];
  let fromMs = 0;
  let before = 0;
  for (const toMs of binEdges) {
    const upTo = countUpTo(histogram, toMs);
    if (upTo > before || (bins.length > 0 && before < histogram.count))
      bins.push({ fromMs, toMs, count: upTo - before });
    fromMs = toMs;
    before = upTo;
  }
  return bins;
}

/** 0.1 ms to 70 s, fine enough to show two hills. */
const binEdges: readonly number[] = [0.1, 1, 10, 100, 1_000, 10_000].flatMap((decade) =>
  [1, 1.5, 2, 3, 5, 7].map((step) => Number((decade * step).toPrecision(3))),
);

/** How many values are at most this; the histogram answers by rank, so the rank is searched for. */
function countUpTo(histogram: LatencyHistogram, limitMs: number): number {
  let below = 0;
  let above = histogram.count + 1;
  while (above - below > 1) {
    const rank = Math.floor((below + above) / 2);
    if (histogram.percentileMs((100 * rank) / histogram.count) <= limitMs) below = rank;
    else above = rank;
  }
  return below;
}

function decoded(encoded: string | undefined): LatencyHistogram | undefined {
  if (encoded === undefined || encoded === '') return undefined;
  const histogram = LatencyHistogram.decode(encoded);
  return histogram.count === 0 ? undefined : histogram;
}
