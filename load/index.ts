/** `channelbox/load`: drives a deployment with thousands of clients and accounts for every delivery. */
export { burst, constant, poisson, type Schedule } from './scenario/schedule.ts';
export { reconnectStorm, slowReaders, vanish, type Chaos } from './scenario/chaos.ts';
export { churn, hold, rampTo, spike, type Stage } from './scenario/stages.ts';
export { explicit, oneRoom, uniform, zipf, type Rooms } from './scenario/rooms.ts';
export { defineLoad, type Scenario, type ScenarioOverrides } from './scenario/scenario.ts';
export { ScenarioError } from './scenario/scenario-error.ts';
export { validateScenario } from './scenario/validation.ts';
export { load, type LoadOptions } from './run/run.ts';
export { LoadError, TargetError } from './load-error.ts';
export type { HttpLoad } from './run/http.ts';
export type { Adapter, ClientPlace, LoadClient } from './scenario/adapter/adapter.ts';
export type { Duration } from './scenario/duration.ts';
export type {
  ClientCounts,
  ErrorCount,
  Failed,
  Invalid,
  Latencies,
  Ledger,
  Mark,
  Measured,
  Passed,
  Percentiles,
  Progress,
  RoomBucket,
  RunPlan,
  RunReport,
  ThresholdResult,
  Violation,
} from './result/run-report.ts';
