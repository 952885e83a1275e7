/** `channelbox/load`: drives a deployment with thousands of clients and accounts for every delivery. */
export type { RunPlan } from './plan/run-summary.ts';
export type { Percentiles } from './ledger/histogram.ts';
export type { Ledger, Violation } from './ledger/settlement.ts';
export type { ErrorCount, Mark, Progress } from './message.ts';
export { burst, constant, poisson, type Schedule } from './scenario/schedule.ts';
export { reconnectStorm, slowReaders, vanish, type Chaos } from './scenario/chaos.ts';
export { churn, hold, rampTo, spike, type Stage } from './scenario/stages.ts';
export { explicit, oneRoom, uniform, zipf, type Rooms } from './scenario/rooms.ts';
export {
  defineLoad,
  type Scenario,
  type LoadClient,
  type ScenarioOverrides,
  type TlsSettings,
} from './scenario/scenario.ts';
export { validateScenario } from './scenario/validation.ts';
export { load, type LoadOptions } from './load.ts';
export { LoadError, ScenarioError, TargetError } from './load-error.ts';
export type { HttpLoad } from './run/http.ts';
export type { Adapter, ClientPlace } from './scenario/adapter/adapter.ts';
export type { Duration } from '../src/internal.ts';
export type {
  ClientCounts,
  Failed,
  Invalid,
  Latencies,
  Measured,
  Passed,
  RoomBucket,
  RunReport,
  Slice,
  ThresholdResult,
} from './result/run-report.ts';
