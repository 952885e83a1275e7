import type { Checker, SimEvent } from '../api/event.ts';
import type { RunView } from '../run/view.ts';
import { hasFault, indexOf, type ConnectionFacts } from './index-of.ts';

export interface TtlOptions {
  readonly seconds: number;
  /** 1 000: beyond what a delay of the network may be. */
  readonly toleranceMs?: number;
}

/** What a frame may need on its way, without a fault. */
const onTheWayMs = 500;

/** A silent connection ends with 4408 `seconds` after its last data frame, none earlier, none much later. */
export function ttlHonoured({ seconds, toleranceMs = 1_000 }: TtlOptions): Checker {
  return {
    name: 'ttlHonoured',
    check: (run) => {
      let checked = 0;
      for (const facts of indexOf(run).accepted) {
        if (facts.faults.length > 0 || facts.crashed !== undefined) continue;
        const early = tooEarly(facts, seconds * 1_000 - toleranceMs);
        const late = tooLate(facts, seconds * 1_000 + toleranceMs, run.now);
        if (facts.serverClose?.code === 4408 || late !== undefined) checked += 1;
        const fault = early ?? late;
        if (fault !== undefined) return { checked, fault };
      }
      return { checked };
    },
  };
}

function tooEarly(
  { c, accepted, serverClose, sends, receipts }: ConnectionFacts,
  leastMs: number,
): FoundFault | undefined {
  if (serverClose?.code !== 4408 || accepted === undefined) return undefined;
  let last: SimEvent = accepted;
  for (const sent of sends) if (sent.t > last.t && sent.t <= serverClose.t - onTheWayMs) last = sent;
  for (const got of receipts) if (got.t - onTheWayMs > last.t && got.t <= serverClose.t) last = got;
  // What was received was written a little before.
  const lastMs = last.t - (last.e === 'recv' ? onTheWayMs : 0);
  const silentMs = serverClose.t - lastMs;
  if (silentMs >= leastMs) return undefined;
  return {
    message: `${c} was closed as silent ${silentMs} ms after its last data frame`,
    witness: [last, serverClose],
  };
}

function tooLate(facts: ConnectionFacts, mostMs: number, nowMs: number): FoundFault | undefined {
  const { c, accepted, serverClose, gone, ended, sends, receipts } = facts;
  const data = [...sends, ...receipts].toSorted((one, other) => one.t - other.t);
  const endMs = Math.min(nowMs, serverClose?.t ?? Infinity, gone?.t ?? Infinity, ended?.t ?? Infinity);
  let last = accepted as SimEvent;
  for (const event of [...data, undefined]) {
    const untilMs = Math.min(event?.t ?? endMs, endMs);
    const lastMs = last.t + (last.e === 'send' ? onTheWayMs : 0);
    if (untilMs - lastMs > mostMs) {
      const message = `${c} was silent for ${untilMs - last.t} ms and still there`;
      return { message, witness: event === undefined ? [last] : [last, event] };
    }
    if (event !== undefined) last = event;
  }
  return undefined;
}

interface FoundFault {
  readonly message: string;
  readonly witness: readonly SimEvent[];
}

const layerError = /^(LayerError|CHANNELBOX_LAYER)/;
/** Beyond another call of the layer that the handler may have to wait for. */
const toldMs = 5_000;

/** Nobody is given up (1006, 1013) whose connection no fault and no own deed has touched. */
export function noCauselessClose({ codes = [1006, 1013] }: { codes?: readonly number[] } = {}): Checker {
  return {
    name: 'noCauselessClose',
    check: (run) => {
      const index = indexOf(run);
      let checked = 0;
      for (const facts of index.accepted) {
        checked += 1;
        const end = endOf(facts, codes);
        if (end === undefined || hasCause(facts)) continue;
        if ('code' in end && end.code === 1013) {
          if (hasLayerFailed(facts, run.history, end.t) || mayLayerHaveFailed(facts, index.layerFaults, end.t))
            continue;
        }
        const code = 'code' in end ? end.code : 1006;
        return {
          checked,
          fault: {
            message: `${facts.c} was closed with ${code}, and nothing had happened to it`,
            witness: [facts.connected, end],
          },
        };
      }
      return { checked };
    },
  };
}

/**
 * Its handler failed with an error of the layer: the framework lets such a client come back later. The error is told when the
 * handler has come to its end, which may be after the close.
 */
function hasLayerFailed({ c, connected }: ConnectionFacts, history: readonly SimEvent[], closedMs: number): boolean {
  return history.some((event) => {
    if (event.e !== 'error' || event.c !== c || !layerError.test(event.text)) return false;
    return event.t >= connected.t && event.t <= closedMs + toldMs;
  });
}

/** The layer was at fault, and its node went down before the handler could come to its end: no error of it is ever told. */
function mayLayerHaveFailed(
  { silenced }: ConnectionFacts,
  layerFaults: readonly SimEvent[],
  closedMs: number,
): boolean {
  return silenced !== undefined && silenced.t <= closedMs + toldMs && layerFaults.some(({ t }) => t <= closedMs);
}

function endOf({ ended, gone, serverClose }: ConnectionFacts, codes: readonly number[]): SimEvent | undefined {
  return [serverClose, gone, ended].find(
    (event) => event !== undefined && 'code' in event && codes.includes(event.code),
  );
}

function hasCause(facts: ConnectionFacts): boolean {
  if (facts.crashed !== undefined || facts.ended?.e === 'drop') return true;
  return (
    facts.faults.length > 0 && hasFault(facts, 'cut', 'halfOpen', 'stall', 'slowReader', 'pause', 'crash', 'drain')
  );
}

/** After convergence the app's connections and memberships, and the layer's members, are those of the clients that are there. */
export function noGhosts(): Checker {
  return {
    name: 'noGhosts',
    check: (run) => {
      const { facts } = run as Partial<RunView>;
      const checked = indexOf(run).accepted.length;
      if (facts === undefined) return { checked: 0 };
      const present = facts.connections();
      const ghost = present.find(({ isThere }) => !isThere);
      const witness = (conn: number): SimEvent[] =>
        run.history
          .filter(
            (event) =>
              'conn' in event &&
              event.conn === conn &&
              (event.e === 'connect' || event.e === 'drop' || event.e === 'close'),
          )
          .slice(0, 4);
      if (ghost !== undefined) {
        const message = `${ghost.node} still has connection ${ghost.conn} of ${ghost.c}, which is gone`;
        return { checked, fault: { message, witness: witness(ghost.conn) } };
      }
      for (const { name, app } of run.nodes) {
        const here = present.filter(({ node }) => node === name);
        const { connections, memberships } = app.inspect();
        const groups = here.reduce((sum, each) => sum + each.groups.length, 0);
        if (connections === here.length && memberships === groups) continue;
        const message = `${name} counts ${connections} connections and ${memberships} memberships; there are ${here.length} and ${groups}`;
        return { checked, fault: { message, witness: run.history.filter(({ e }) => e === 'gone').slice(-2) } };
      }
      const message = strangerIn(facts);
      return message === undefined
        ? { checked }
        : { checked, fault: { message, witness: lastOf(run.history, 'leave', 'crash') } };
    },
  };
}

function strangerIn(facts: RunView['facts']): string | undefined {
  const ofLayer = facts.layerMembers();
  if (ofLayer === undefined) return undefined;
  const ofApp = facts.appMembers();
  for (const group of new Set([...ofLayer.keys(), ...ofApp.keys()])) {
    const listed = ofLayer.get(group) ?? [];
    const there = ofApp.get(group) ?? [];
    const ghost = listed.find((id) => !there.includes(id));
    if (ghost !== undefined) return `the layer lists ${ghost} in ${group}, and no app has such a member`;
    const missing = there.find((id) => !listed.includes(id));
    if (missing !== undefined) return `${missing} is a member of ${group}, and the layer does not list it`;
  }
  return undefined;
}

function lastOf(history: readonly SimEvent[], ...kinds: readonly SimEvent['e'][]): SimEvent[] {
  return history.filter(({ e }) => kinds.includes(e)).slice(-2);
}
