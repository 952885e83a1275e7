import { LatencyHistogram, type Percentiles } from '../ledger/histogram.ts';
import type { GeneratorResult, PlainSlice } from '../message.ts';
import { bucketSizes } from '../plan/room-bucket.ts';
import type { RunSummary } from '../plan/run-summary.ts';
import type { Measured, RoomBucket, Slice } from './run-report.ts';

/** Puts together what each generator measured of the same stages, or of the same targets. */
export function slicesOf(
  parts: readonly (readonly PlainSlice[])[],
  names: readonly Pick<Slice, 'name' | 'fromMs' | 'toMs'>[],
): Slice[] {
  return names.map((name, index) => {
    const slices = parts.flatMap((part) => part[index] ?? []);
    const merged = (latency: 'fanout' | 'connect'): Percentiles => {
      const whole = new LatencyHistogram();
      for (const slice of slices) whole.addCells(slice[latency]);
      return whole.percentiles();
    };
    const total = (counter: 'published' | 'received' | 'lost'): number =>
      slices.reduce((sum, slice) => sum + slice[counter], 0);
    return {
      ...name,
      published: total('published'),
      received: total('received'),
      lost: total('lost'),
      fanout: merged('fanout'),
      connect: merged('connect'),
    };
  });
}

/** How long those that were dropped or cut off were away; absent where nobody was. */
export function reconnectsOf(results: readonly GeneratorResult[]): Pick<Measured, 'reconnects'> {
  const back = results.flatMap(({ absencesMs }) => [...absencesMs]);
  const away = results.flatMap(({ awayMs }) => [...awayMs]);
  const all = [...back, ...away].sort((one, other) => one - other);
  if (all.length === 0) return {};
  const at = (share: number): number => round(all[Math.ceil(share * all.length) - 1] as number);
  return { reconnects: { clients: all.length, p50: at(0.5), p95: at(0.95), all: away.length > 0 ? undefined : at(1) } };
}

/** Fan-out and losses by size of the room. */
export function roomsOf(summary: RunSummary, results: readonly GeneratorResult[]): RoomBucket[] {
  const lost = new Map<number, number>();
  const fanout = new Map<number, LatencyHistogram>();
  for (const result of results) {
    for (const [room, count] of result.lostByRoom) {
      const size = bucketSizes[summary.roomBucketOf[room] as number] as number;
      lost.set(size, (lost.get(size) ?? 0) + count);
    }
    for (const [bucket, cells] of result.fanoutByBucket) {
      const size = bucketSizes[bucket] as number;
      const histogram = fanout.get(size) ?? new LatencyHistogram();
      histogram.addCells(cells);
      fanout.set(size, histogram);
    }
  }
  return summary.roomsByBucket.map(({ size, rooms }) => ({
    size,
    rooms,
    fanout: (fanout.get(size) ?? new LatencyHistogram()).percentiles(),
    lost: lost.get(size) ?? 0,
  }));
}

const round = (value: number): number => Math.round(value * 1e3) / 1e3;
