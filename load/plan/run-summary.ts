import { ledgerBytes, type Plan } from './plan.ts';
import { bucketOf, bucketSizes } from './room-bucket.ts';
import type { ResolvedTls } from '../scenario/tls.ts';
import type { StageMark } from './timeline.ts';
import type { Threshold } from '../scenario/threshold.ts';

/** What a run is meant to be, known once its scenario is. */
export interface RunPlan {
  /** Most clients at one moment. */
  readonly clients: number;
  /** How long it lasts, without the time to connect a plain number of clients and the deadline at its end. */
  readonly plannedMs: number;
}

/**
 * The summary is what whoever holds a run together has to know of its scenario: plain, since the process that imported
 * it is another.
 */
export interface RunSummary {
  readonly name: string;
  readonly seed: number;
  readonly targets: readonly string[];
  readonly clients: number;
  /** A plain number of clients: the hold begins when all are connected. */
  readonly holds: boolean;
  readonly plannedMs: number;
  readonly warmupMs: number;
  readonly deadlineMs: number;
  readonly rooms: number;
  readonly roomNames: readonly string[];
  readonly roomBucketOf: Uint8Array;
  readonly roomsByBucket: readonly { readonly size: number; readonly rooms: number }[];
  readonly speakers: number;
  readonly isScripted: boolean;
  readonly thresholds: readonly Threshold[];
  readonly stages: readonly StageMark[];
  readonly tls: ResolvedTls | undefined;
  readonly compression: boolean;
  readonly connectTimeoutMs: number;
  readonly prepares: boolean;
  readonly pairs: number;
  readonly bytes: number;
}

export function summaryOf(plan: Plan): RunSummary {
  const { scenario } = plan;
  const roomBucketOf = Uint8Array.from(plan.rooms, ({ size }) => bucketOf(size));
  const counts = new Map<number, number>();
  for (const bucket of roomBucketOf) counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  return {
    name: scenario.name,
    seed: scenario.seed,
    targets: scenario.targets,
    clients: scenario.clients,
    holds: scenario.stages === undefined,
    plannedMs: scenario.plannedMs,
    warmupMs: scenario.warmupMs,
    deadlineMs: scenario.deadlineMs,
    rooms: plan.rooms.length,
    roomNames: plan.rooms.map(({ name }) => name),
    roomBucketOf,
    roomsByBucket: [...counts]
      .sort(([one], [other]) => one - other)
      .map(([bucket, rooms]) => ({ size: bucketSizes[bucket] as number, rooms })),
    speakers: plan.speakersIn.reduce((sum, count) => sum + count, 0),
    isScripted: scenario.client !== undefined,
    thresholds: scenario.thresholds,
    stages: plan.stageMarks,
    tls: scenario.tls,
    compression: scenario.compression,
    connectTimeoutMs: scenario.connectTimeoutMs,
    prepares: scenario.prepare !== undefined,
    ...ledgerBytes(plan),
  };
}

/** What of it is told before the run begins. */
export function runPlanOf({ clients, plannedMs }: RunSummary): RunPlan {
  return { clients, plannedMs };
}
