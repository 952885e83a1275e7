/** `channelbox/load`: drives a deployment with thousands of clients and accounts for every delivery. */
export { burst, constant, poisson, type Schedule } from './schedule.ts';
export { reconnectStorm, slowReaders, vanish, type Chaos } from './chaos.ts';
export { churn, hold, rampTo, spike, type Stage } from './stages.ts';
export { explicit, oneRoom, uniform, zipf, type Rooms } from './rooms.ts';
export { defineLoad, type Scenario, type ScenarioOverrides } from './scenario.ts';
export { ScenarioError } from './scenario-error.ts';
export { validateScenario } from './validation.ts';
export { load, type LoadOptions } from './run.ts';
export { LoadError, TargetError } from './load-error.ts';
export type { HttpLoad } from './driver/http.ts';
export type { Adapter, ClientPlace, LoadClient } from './adapter/adapter.ts';
export type { Duration } from './duration.ts';
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
} from './run-report.ts';
