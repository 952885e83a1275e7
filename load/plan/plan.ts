import { durationMs, sample, seeded } from '../../src/internal.ts';
import type { ResolvedScenario } from '../scenario/resolved.ts';
import { roomSizes } from '../scenario/rooms.ts';
import { ratePerSecond } from '../scenario/schedule.ts';
import { rampEndUs, stageMarksOf, timelineOf, type ClientStep, type StageMark } from './timeline.ts';

/** One deed of chaos: when, and to whom. */
export interface ChaosStep {
  readonly atUs: number;
  /** Infinity: to the end. */
  readonly untilUs: number;
  readonly kind: 'slowReaders' | 'vanish' | 'reconnectStorm';
  readonly backoffMs: number;
  readonly clients: readonly number[];
}

/**
 * The plan says who is where and who speaks: it is a pure function of the scenario and the number of processes, so
 * that every process works it out by itself.
 */
export interface Plan {
  readonly scenario: ResolvedScenario;
  readonly processes: number;
  readonly rooms: readonly { readonly name: string; readonly size: number }[];
  /** Of each client: its room, its place in it, the process that drives it. */
  readonly roomOf: Uint32Array;
  readonly placeOf: Uint32Array;
  readonly processOf: Uint16Array;
  /** Of each room: its members in order of place. The first `speakersIn` of them speak. */
  readonly membersOf: readonly Uint32Array[];
  readonly speakersIn: Uint32Array;
  /** Rooms whose members are driven by more than one process. */
  readonly isShared: Uint8Array;
  readonly timeline: readonly ClientStep[];
  readonly rampEndUs: number;
  readonly chaos: readonly ChaosStep[];
  /** Where each stage begins. */
  readonly stageMarks: readonly StageMark[];
}

const chaosStream = 2;

export function planOf(scenario: ResolvedScenario, processes: number): Plan {
  const rooms = roomSizes(scenario.rooms, scenario.clients);
  const { roomOf, placeOf, membersOf } = assign(
    rooms.map(({ size }) => size),
    scenario.clients,
  );
  const { processOf, isShared } = share(membersOf, processes, scenario.clients);
  return {
    scenario,
    processes,
    rooms,
    roomOf,
    placeOf,
    processOf,
    membersOf,
    speakersIn: speakersIn(scenario.speakers, membersOf),
    isShared,
    timeline: timelineOf(scenario),
    rampEndUs: rampEndUs(scenario),
    chaos: chaosOf(scenario),
    stageMarks: stageMarksOf(scenario),
  };
}

/** The room and place of each client. Rooms fill in proportion, so that half a ramp has rooms of half the size. */
function assign(sizes: readonly number[], clients: number): Pick<Plan, 'roomOf' | 'placeOf' | 'membersOf'> {
  const spread = new Float64Array(clients);
  const roomOfPosition = new Uint32Array(clients);
  let position = 0;
  for (const [room, size] of sizes.entries()) {
    for (let place = 0; place < size; place += 1) {
      spread[position] = (place + 0.5) / size;
      roomOfPosition[position] = room;
      position += 1;
    }
  }
  const order = Uint32Array.from({ length: clients }, (_, index) => index);
  order.sort((one, other) => (spread[one] as number) - (spread[other] as number) || one - other);
  const roomOf = new Uint32Array(clients);
  const placeOf = new Uint32Array(clients);
  const membersOf = sizes.map((size) => new Uint32Array(size));
  const filled = new Uint32Array(sizes.length);
  for (let client = 0; client < clients; client += 1) {
    const room = roomOfPosition[order[client] as number] as number;
    const place = filled[room] as number;
    roomOf[client] = room;
    placeOf[client] = place;
    (membersOf[room] as Uint32Array)[place] = client;
    filled[room] = place + 1;
  }
  return { roomOf, placeOf, membersOf };
}

/** How many of each room speak: a share of each, at least one; or a count, dealt out one a room in turn. */
function speakersIn(speakers: number, membersOf: readonly Uint32Array[]): Uint32Array {
  const result = new Uint32Array(membersOf.length);
  if (speakers <= 1) {
    if (speakers === 0) return result;
    return result.map((_, room) => Math.max(1, Math.round((membersOf[room] as Uint32Array).length * speakers)));
  }
  let left = speakers;
  while (left > 0) {
    for (let room = 0; room < result.length && left > 0; room += 1) {
      if ((result[room] as number) >= (membersOf[room] as Uint32Array).length) continue;
      result[room] = (result[room] as number) + 1;
      left -= 1;
    }
  }
  return result;
}

/** A tenth more than its share is what a process may have before large rooms are shared. */
const imbalanceMax = 1.1;

/** Rooms go whole to the process with the fewest clients, the largest first; where that is uneven, large rooms are shared by all. */
function share(
  membersOf: readonly Uint32Array[],
  processes: number,
  clients: number,
): Pick<Plan, 'processOf' | 'isShared'> {
  const bySize = membersOf
    .map((_, room) => room)
    .sort((one, other) => sizeOf(membersOf, other) - sizeOf(membersOf, one) || one - other);
  for (let sharedFrom = Infinity; ; sharedFrom = sharedFrom === Infinity ? clients : sharedFrom / 2) {
    const processOf = new Uint16Array(clients);
    const isShared = new Uint8Array(membersOf.length);
    const loads = new Float64Array(processes);
    for (const room of bySize) {
      const members = membersOf[room] as Uint32Array;
      const isSplit = processes > 1 && members.length > 1 && members.length >= sharedFrom;
      isShared[room] = isSplit ? 1 : 0;
      let process = loads.indexOf(Math.min(...loads));
      for (const client of members) {
        if (isSplit) process = loads.indexOf(Math.min(...loads));
        processOf[client] = process;
        loads[process] = (loads[process] as number) + 1;
      }
    }
    if (
      Math.max(...loads) <= Math.max((clients / processes) * imbalanceMax, Math.ceil(clients / processes)) ||
      sharedFrom < 2
    )
      return { processOf, isShared };
  }
}

function sizeOf(membersOf: readonly Uint32Array[], room: number): number {
  return (membersOf[room] as Uint32Array).length;
}

function chaosOf(scenario: ResolvedScenario): ChaosStep[] {
  const halfUs = (scenario.plannedMs * 1_000) / 2;
  return scenario.chaos.map((chaos, index) => {
    const count = chaos.share === 0 ? 0 : Math.max(1, Math.round(chaos.share * scenario.clients));
    const clients = sample(scenario.clients, count, seeded(scenario.seed, chaosStream, index));
    const base = { kind: chaos.kind, clients, backoffMs: 0, untilUs: Infinity };
    if (chaos.kind === 'slowReaders') {
      const atUs = durationMs(chaos.from ?? 0) * 1_000;
      return { ...base, atUs, untilUs: chaos.lasts === undefined ? Infinity : atUs + durationMs(chaos.lasts) * 1_000 };
    }
    const atUs = chaos.at === undefined ? halfUs : durationMs(chaos.at) * 1_000;
    return { ...base, atUs, backoffMs: chaos.kind === 'reconnectStorm' ? durationMs(chaos.backoff ?? '1s') : 0 };
  });
}

/** Speakers of a room that a receiver keeps a pair with: the room's, or itself alone. */
export function pairsOf(plan: Plan, client: number): number {
  const room = plan.roomOf[client] as number;
  const speakers = plan.speakersIn[room] as number;
  if (plan.scenario.adapter.reach !== 'sender') return speakers;
  return (plan.placeOf[client] as number) < speakers ? 1 : 0;
}

/** Pairs of all clients, and bytes that the ledgers and logs of a whole run take. */
export function ledgerBytes(plan: Plan): { readonly pairs: number; readonly bytes: number } {
  let pairs = 0;
  let speakers = 0;
  for (const [room, members] of plan.membersOf.entries()) {
    const speaking = plan.speakersIn[room] as number;
    pairs += plan.scenario.adapter.reach === 'sender' ? speaking : members.length * speaking;
    speakers += speaking;
  }
  const published =
    plan.scenario.client === undefined
      ? speakers * ratePerSecond(plan.scenario.schedule) * (plan.scenario.plannedMs / 1_000)
      : 0;
  return { pairs, bytes: pairs * 8 + published * 8 };
}

/** Which stage a moment belongs to, in microseconds from the start. */
export function stageAt({ stageMarks }: Plan, atUs: number): number {
  let stage = 0;
  while (stage + 1 < stageMarks.length && (stageMarks[stage + 1] as StageMark).atMs * 1_000 <= atUs) stage += 1;
  return stage;
}
