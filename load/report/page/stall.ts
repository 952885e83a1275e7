import type { RunReport } from '../../result/run-report.ts';

/** A stretch of the run, in seconds from its start. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** Of what is usual, less than this is delivered while messages are meant to be sent: nothing worth the name. */
const deliveredShare = 0.1;
/** So much above what is usual, and so long, is half of the second's deliveries in a stall. */
const latencyFactor = 10;
const latencyMsMin = 250;

/**
 * This finds when the server stood still: seconds in which messages were meant to be sent and next to nothing was
 * delivered, or half of what was delivered had waited far longer than usual. Seconds that follow one another are one
 * stall.
 */
export function stallsOf({ series }: Pick<RunReport, 'series'>): readonly Band[] {
  const speaking = series.filter((row) => (row['intended'] ?? row['published'] ?? 0) > 0);
  const usualDelivered = median(speaking.map((row) => row['delivered'] ?? 0));
  const usualMs = median(speaking.flatMap((row) => row['p50'] ?? []));
  if (usualDelivered === 0) return [];
  const bands: { from: number; to: number; label: string }[] = [];
  for (const [index, row] of series.entries()) {
    if (!speaking.includes(row)) continue;
    const isSilent = (row['delivered'] ?? 0) < usualDelivered * deliveredShare && isMidway(speaking, row);
    const isSlow = (row['p50'] ?? 0) > Math.max(latencyMsMin, usualMs * latencyFactor);
    if (!isSilent && !isSlow) continue;
    const from = (series[index - 1]?.['atMs'] ?? 0) / 1_000;
    const to = (row['atMs'] ?? 0) / 1_000;
    const last = bands.at(-1);
    if (last?.to === from) last.to = to;
    else bands.push({ from, to, label: 'stall' });
  }
  return bands;
}

/** The first and the last second of speaking are not whole. */
function isMidway(
  speaking: readonly Readonly<Record<string, number>>[],
  row: Readonly<Record<string, number>>,
): boolean {
  return row !== speaking[0] && row !== speaking.at(-1);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
