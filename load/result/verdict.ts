import type { Ledger } from '../ledger/settlement.ts';
import type { ErrorCount } from '../message.ts';
import type { Measured, ThresholdResult } from './run-report.ts';
import type { Threshold } from '../scenario/threshold.ts';
import { latencyNames } from '../scenario/threshold.ts';

/** What a verdict is drawn from. Everything but the warm-up. */
export interface Evidence {
  readonly clients: Measured['clients'];
  readonly ledger: Ledger;
  readonly thresholds: readonly Threshold[];
  readonly thresholdResults: readonly ThresholdResult[];
  readonly errors: readonly ErrorCount[];
  readonly deadlineMs: number;
  /** The scenario means messages to be delivered. */
  readonly ledgerDecides: boolean;
  readonly intendedPublishes: number;
  readonly scriptFailures: number;
  readonly joined: number;
  /** Of the generators, the worst each; left out where there is no real time. */
  readonly cpuWait?: number;
  readonly latenessP99Ms?: number;
  readonly loopDelayP99Ms?: number;
}

export interface Ruling {
  readonly verdict: 'pass' | 'fail' | 'invalid';
  readonly reasons: readonly string[];
}

const mustBeZero = ['lost', 'duplicated', 'reordered', 'misrouted', 'corrupt', 'refused', 'dropped'] as const;
/** No shortage of the generator makes these: they stay a failure of the server. */
const neverExcused: readonly string[] = ['duplicated', 'misrouted', 'corrupt'];

const indeterminateShareMax = 0.1;
const cpuWaitMax = 0.25;
const lagFloorMs = 10;
const lagShare = 0.2;
const sentShareMin = 0.95;
/** Our own shortages, by Node's code, and what helps. EADDRINUSE: no port was left at a source address. */
const shortages: Readonly<Record<string, string>> = {
  EMFILE: 'this process has no descriptor left; raise `ulimit -n`, or use more generator processes',
  ENFILE: 'this machine has no descriptor left; raise fs.file-max',
  EADDRNOTAVAIL:
    'no source port is left, or the source address is not of this machine; use more source addresses (--local-ip) or widen net.ipv4.ip_local_port_range',
  EADDRINUSE: 'no source port is left; use more source addresses (--local-ip) or widen net.ipv4.ip_local_port_range',
  EAGAIN: 'the system refused a resource for now; lower the number of clients or raise the limit',
};

/** The rules of docs/load.md. `invalid` wins over `fail`, but for what no shortage of the generator can bring about. */
export function rule(evidence: Evidence): Ruling {
  const failures = failuresOf(evidence);
  const doubts = doubtsOf(evidence);
  const certain = failures.some(({ metric }) => neverExcused.includes(metric));
  const failed = failures.map(({ reason }) => reason);
  if (certain) return { verdict: 'fail', reasons: [...failed, ...doubts] };
  if (doubts.length > 0) return { verdict: 'invalid', reasons: [...doubts, ...failed] };
  if (failures.length > 0) return { verdict: 'fail', reasons: failed };
  return { verdict: 'pass', reasons: [] };
}

function failuresOf(evidence: Evidence): { metric: string; reason: string }[] {
  const { thresholds, thresholdResults, clients, ledger, scriptFailures } = evidence;
  const failures: { metric: string; reason: string }[] = [];
  for (const [index, { expression, observed, passed }] of thresholdResults.entries()) {
    if (passed) continue;
    failures.push({
      metric: thresholds[index]?.metric ?? '',
      reason: `${expression} is broken: ${round(observed)} was observed`,
    });
  }
  for (const metric of mustBeZero) {
    if (thresholds.some((threshold) => threshold.metric === metric)) continue;
    const value = metric === 'refused' || metric === 'dropped' ? clients[metric] : ledger[metric];
    if (value !== 0)
      failures.push({ metric, reason: `${metric} is ${value}, and must be 0${example(metric, evidence)}` });
  }
  if (scriptFailures > 0) {
    const sample = evidence.errors.find(({ kind }) => kind === 'client')?.sample ?? '';
    failures.push({ metric: 'client', reason: `the client function failed ${scriptFailures} times: ${sample}` });
  }
  return failures;
}

function doubtsOf(evidence: Evidence): string[] {
  return [...proofDoubts(evidence), ...starvation(evidence), ...shortageDoubts(evidence)];
}

/** A run that proves nothing does not pass. */
function proofDoubts({ ledger, ledgerDecides, joined, clients }: Evidence): string[] {
  if (!ledgerDecides) return [];
  const { expected, indeterminate } = ledger;
  if (expected === 0) {
    const cause =
      clients.connected === 0
        ? 'nobody connected'
        : joined === 0
          ? 'no join was acknowledged'
          : 'no message had a receiver that was surely there';
    return [`nothing was proved: no delivery was expected, since ${cause}`];
  }
  const share = indeterminate / (expected + indeterminate);
  if (share <= indeterminateShareMax) return [];
  return [
    `nothing was proved: ${round(share * 100)} % of the deliveries are indeterminate, 10 % are allowed; let clients stay longer than the deadline, or lower it`,
  ];
}

function starvation(evidence: Evidence): string[] {
  const {
    cpuWait = 0,
    latenessP99Ms = 0,
    loopDelayP99Ms = 0,
    thresholds,
    deadlineMs,
    intendedPublishes,
    ledger,
  } = evidence;
  const doubts: string[] = [];
  if (cpuWait > cpuWaitMax) {
    doubts.push(
      `a generator waited for a CPU ${round(cpuWait)} s in each second, ${cpuWaitMax} are allowed; use fewer clients, more cores or another machine`,
    );
  }
  const limits = thresholds
    .filter(({ metric, operator }) => latencyNames.includes(metric) && operator.startsWith('<'))
    .map(({ value }) => value);
  const lagMax = limits.length > 0 ? Math.max(lagFloorMs, lagShare * Math.min(...limits)) : deadlineMs / 4;
  for (const [what, lagMs] of [
    ['schedule lateness', latenessP99Ms],
    ['loop delay', loopDelayP99Ms],
  ] as const) {
    if (lagMs <= lagMax) continue;
    doubts.push(
      `a generator was late itself: ${what} p99 ${round(lagMs)} ms, ${round(lagMax)} ms are allowed; use fewer clients, more processes or cores`,
    );
  }
  if (intendedPublishes > 0 && ledger.published < sentShareMin * intendedPublishes) {
    doubts.push(
      `only ${ledger.published} of ${intendedPublishes} intended publishes were sent, 95 % are due; lower the rate or use more processes`,
    );
  }
  return doubts;
}

function shortageDoubts({ errors }: Evidence): string[] {
  return errors.flatMap(({ kind, count }) =>
    shortages[kind] === undefined ? [] : [`${count} connects failed with ${kind}: ${shortages[kind]}`],
  );
}

function example(metric: string, { ledger, errors }: Evidence): string {
  const violation = ledger.firstViolations.find(({ kind }) => kind === metric);
  if (violation !== undefined && violation.sender >= 0) {
    return `: first at client ${violation.receiver}, message ${violation.sequence} of client ${violation.sender} in ${violation.room}`;
  }
  if (violation !== undefined) return `: first at client ${violation.receiver} of ${violation.room}`;
  if (metric === 'refused' || metric === 'dropped') {
    const error = errors.find(({ kind }) => (metric === 'dropped') === (kind === 'dropped'));
    return error === undefined ? '' : `: ${error.sample}`;
  }
  return '';
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
