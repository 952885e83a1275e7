import { closeMeaning } from './close-meaning.ts';
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
  /** Clients that were dropped, by close code; and clients that were refused, by the kind of the error. */
  readonly drops: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
  /** Frames that were no delivery, by kind; and the first of them. */
  readonly frames: Readonly<Record<string, number>>;
  readonly firstFrames: readonly string[];
  /** Of the generators, the worst each; left out where there is no real time. */
  readonly cpuWait?: number;
  readonly latenessP99Ms?: number;
  readonly loopDelayP99Ms?: number;
}

export interface Ruling {
  readonly verdict: 'pass' | 'fail' | 'invalid';
  readonly reasons: readonly string[];
}

const mustBeZero = ['lost', 'duplicated', 'reordered', 'misrouted', 'corrupt'] as const;
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

/**
 * Duplicates, misroutes and corruptions, and what the server did to its clients, are a failure whatever the generators were
 * short of, also where they are what made deliveries indeterminate; over the rest, a doubt wins.
 */
export function rule(evidence: Evidence): Ruling {
  const failures = failuresOf(evidence);
  const lostFails = failures.some(({ metric }) => metric === 'lost');
  const doubts = doubtsOf(evidence, lostFails);
  const isStarved = starvation(evidence).length > 0;
  const certain = failures.some(
    ({ metric }) => neverExcused.includes(metric) || isServersDoing(metric, evidence, isStarved),
  );
  const failed = failures.map(({ reason }) => reason);
  if (certain) return { verdict: 'fail', reasons: [...failed, ...doubts] };
  if (doubts.length > 0) return { verdict: 'invalid', reasons: [...doubts, ...failed] };
  if (failures.length > 0) return { verdict: 'fail', reasons: failed };
  return { verdict: 'pass', reasons: [] };
}

/** An answer or a close frame is the server's word. A connection that just ended, or got no answer, may be our own doing where we were starved. */
function isServersDoing(metric: string, { drops, refusals }: Evidence, isStarved: boolean): boolean {
  if (metric !== 'dropped' && metric !== 'refused') return false;
  const kinds = Object.keys(metric === 'dropped' ? drops : refusals);
  // Where we were short of something ourselves, who had no turn had none because of it.
  const isOurs = isStarved || kinds.some((kind) => shortages[kind] !== undefined);
  return kinds.some((kind) => isItsWord(metric, kind) || !isOurs);
}

function isItsWord(metric: 'dropped' | 'refused', kind: string): boolean {
  return metric === 'dropped' ? kind !== '1006' : /^http-|^bad-handshake$|^prepare|^ERR_SSL_.*ALERT/.test(kind);
}

interface BrokenRule {
  readonly metric: string;
  readonly reason: string;
}

/** What the server did to its clients comes first: whatever else is wrong follows from it. */
function failuresOf(evidence: Evidence): BrokenRule[] {
  const { thresholds, thresholdResults, clients, ledger, scriptFailures } = evidence;
  const failures: BrokenRule[] = [];
  for (const metric of ['dropped', 'refused'] as const) {
    if (clients[metric] > 0 && isBroken(metric, evidence))
      failures.push({ metric, reason: deedText(metric, evidence) });
  }
  for (const [index, { expression, observed, passed }] of thresholdResults.entries()) {
    if (passed) continue;
    failures.push({
      metric: thresholds[index]?.metric ?? '',
      reason: `${expression} is broken: ${round(observed)} was observed`,
    });
  }
  for (const metric of mustBeZero) {
    if (thresholds.some((threshold) => threshold.metric === metric)) continue;
    const value = ledger[metric];
    if (value !== 0)
      failures.push({ metric, reason: `${metric} is ${value}, and must be 0${example(metric, evidence)}` });
  }
  if (scriptFailures > 0) {
    const sample = evidence.errors.find(({ kind }) => kind === 'client')?.sample ?? '';
    failures.push({ metric: 'client', reason: `the client function failed ${scriptFailures} times: ${sample}` });
  }
  return failures;
}

/** Nothing is allowed where no threshold says otherwise. */
function isBroken(metric: 'dropped' | 'refused', { thresholds, thresholdResults }: Evidence): boolean {
  const named = thresholds.flatMap((threshold, index) =>
    threshold.metric === metric ? [thresholdResults[index]] : [],
  );
  return named.length === 0 || named.some((result) => result?.passed === false);
}

/** `the server closed 20 of 20 clients, unasked: 20 × 1011 (error in the server)` */
function deedText(metric: 'dropped' | 'refused', { clients, drops, refusals, errors }: Evidence): string {
  const isDrop = metric === 'dropped';
  const counts = Object.entries(isDrop ? drops : refusals).sort(([, one], [, other]) => other - one);
  const kinds = counts.map(([kind, count]) => `${count} × ${isDrop ? `close code ${kind}${meaningOf(kind)}` : kind}`);
  const first = counts[0]?.[0];
  const sample = errors.find(({ kind }) => kind === (isDrop ? 'dropped' : first))?.sample;
  const example = sample === undefined ? '' : `; first: ${sample}`;
  const what = isDrop ? 'dropped' : first?.startsWith('prepare') ? 'did not let in' : 'refused';
  const total = isDrop ? clients.connected : clients.intended;
  return `the server ${what} ${clients[metric]} of ${total} clients (${metric} must be 0)${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}${example}`;
}

function meaningOf(code: string): string {
  const meaning = closeMeaning(code);
  return meaning === '' ? '' : `, ${meaning}`;
}

function doubtsOf(evidence: Evidence, lostFails: boolean): string[] {
  return [...proofDoubts(evidence, lostFails), ...starvation(evidence), ...shortageDoubts(evidence)];
}

/** A run that proves nothing does not pass. */
function proofDoubts(evidence: Evidence, lostFails: boolean): string[] {
  const { ledger, ledgerDecides, joined, clients, frames, firstFrames } = evidence;
  if (!ledgerDecides) return [];
  const { expected, indeterminate } = ledger;
  if (expected === 0) {
    const cause =
      clients.connected === 0
        ? 'nobody connected'
        : joined === 0
          ? 'no join was acknowledged'
          : 'no message had a receiver that was surely there';
    const seen = firstFrames.length === 0 ? '' : `; the first frames that came: ${firstFrames.join(' | ')}`;
    return [`nothing was proved: no delivery was expected, since ${cause}${seen}`];
  }
  // With every delivery lost, and that allowed, nothing says that the adapter knows one when it sees it.
  if (!lostFails && ledger.received + ledger.late === 0 && Object.keys(frames).length > 0) {
    return [`nothing was proved: ${unknownFrames({ frames, firstFrames })}`];
  }
  const share = indeterminate / (expected + indeterminate);
  if (share <= indeterminateShareMax) return [];
  return [
    `nothing was proved: ${round(share * 100)} % of the deliveries are indeterminate, 10 % are allowed; let clients stay longer than the deadline, or lower it`,
  ];
}

/** What came in place of deliveries. */
function unknownFrames({ frames, firstFrames }: Pick<Evidence, 'frames' | 'firstFrames'>): string {
  const count = Object.values(frames).reduce((sum, of) => sum + of, 0);
  return `${count} frames came, and the adapter found a stamp in none of them; the first: ${firstFrames.join(' | ')}`;
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

function example(metric: string, { ledger, frames, firstFrames }: Evidence): string {
  if (metric === 'lost' && ledger.received + ledger.late === 0 && Object.keys(frames).length > 0)
    return `: ${unknownFrames({ frames, firstFrames })}`;
  const violation = ledger.firstViolations.find(({ kind }) => kind === metric);
  if (violation !== undefined && violation.sender >= 0) {
    return `: first at client ${violation.receiver}, message ${violation.sequence} of client ${violation.sender} in ${violation.room}`;
  }
  if (violation !== undefined) return `: first at client ${violation.receiver} of ${violation.room}`;
  return '';
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
