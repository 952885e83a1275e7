import { Crowd, type Member } from './crowd.ts';

/** What one operation costs while a box holds so much: where it is O(1), the columns stay level. */
export interface GrowthRow {
  readonly what: string;
  readonly size: number;
  readonly ns: number;
}

export interface Growth {
  readonly rows: readonly GrowthRow[];
  readonly bytesPerMembership: number;
  /** What is left once everybody has left: groups, memberships, bytes of history. */
  readonly left: { readonly groups: number; readonly memberships: number; readonly channels: number };
}

const probes = 1_000;
const repeats = 20;
const groupsOfMember = 100;

/** @param sizeMax the largest; 1 000 000 takes half a minute and some hundred megabytes */
export async function measureGrowth(sizeMax = 1_000_000): Promise<Growth> {
  const rows: GrowthRow[] = [];
  for (let size = 1_000; size <= sizeMax; size *= 10) rows.push(...(await manyGroups(size)).rows);
  for (let size = 1_000; size <= Math.min(sizeMax, 100_000); size *= 10) rows.push(...(await oneGroup(size)));
  for (let size = 1_000; size <= sizeMax; size *= 10) rows.push(await history(size));
  const { bytesPerMembership, left } = await manyGroups(sizeMax);
  return { rows, bytesPerMembership, left };
}

/** Memberships over a tenth as many groups; a member is in a hundred of them. */
async function manyGroups(memberships: number): Promise<Growth> {
  const crowd = new Crowd();
  const groups = memberships / 10;
  const perMember = Math.min(groupsOfMember, groups);
  await crowd.grow(memberships / perMember + probes);
  const settled = crowd.members.slice(probes);
  const before = heapUsed();
  let next = 0;
  for (const { ws } of settled) {
    for (let at = 0; at < perMember; at += 1, next += 1) void ws.join(`group-${next % groups}`);
  }
  const bytesPerMembership = (heapUsed() - before) / memberships;
  const walkers = crowd.members.slice(0, probes);
  const [join, leave] = walk(walkers, (at) => `group-${(at * 7) % groups}`);
  const name = `join, ${memberships.toLocaleString('en')} memberships over a tenth as many groups`;
  const rows = [
    { what: name, size: memberships, ns: join },
    { what: name.replace('join', 'leave'), size: memberships, ns: leave },
  ];
  for (const { wire } of crowd.members) wire.terminate();
  const { groups: groupsLeft, memberships: membershipsLeft, channels } = crowd.app.inspect();
  return { rows, bytesPerMembership, left: { groups: groupsLeft, memberships: membershipsLeft, channels } };
}

/** All in one group: joining and leaving it, and what the end of a member costs there. */
async function oneGroup(size: number): Promise<GrowthRow[]> {
  const crowd = new Crowd();
  await crowd.grow(size + probes);
  const walkers = crowd.members.slice(0, probes);
  const settled = crowd.members.slice(probes);
  for (const { ws } of settled) void ws.join('all');
  const [join, leave] = walk(walkers, () => 'all');
  const dying = settled.filter((_, at) => at % Math.floor(size / probes) === 0).slice(0, probes);
  const start = process.cpuUsage();
  for (const { wire } of dying) wire.terminate();
  const deathNs = cpuNs(start) / dying.length;
  const what = (verb: string): string => `${verb}, one group of ${size.toLocaleString('en')}`;
  return [
    { what: what('join'), size, ns: join },
    { what: what('leave'), size, ns: leave },
    { what: what('end of a member'), size, ns: deathNs },
  ];
}

/** Messages saved one after the other into a history that is full: each lets go of the oldest. */
async function history(size: number): Promise<GrowthRow> {
  const crowd = new Crowd({ historyCount: size, historySize: Infinity, historyTotalBytes: Infinity });
  const { channelBox } = crowd.app;
  const save = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1) await channelBox.groupSend('saved', at, { saveHistory: true });
  };
  await save(size);
  const count = Math.max(20_000, size / 10);
  const start = process.cpuUsage();
  await save(count);
  const ns = cpuNs(start) / count;
  return { what: `save to a full history of ${size.toLocaleString('en')}`, size, ns };
}

/** Everybody joins and leaves again, many times. @returns ns of one join and of one leave */
function walk(walkers: readonly Member[], groupFor: (at: number) => string): [join: number, leave: number] {
  let joinNs = 0;
  let leaveNs = 0;
  for (let round = 0; round < repeats; round += 1) {
    const start = process.cpuUsage();
    for (const [at, { ws }] of walkers.entries()) void ws.join(groupFor(at));
    const joined = process.cpuUsage();
    const untilJoinedNs = cpuNs(start);
    for (const [at, { ws }] of walkers.entries()) void ws.leave(groupFor(at));
    // The first round compiles it.
    if (round === 0) continue;
    joinNs += untilJoinedNs;
    leaveNs += cpuNs(joined);
  }
  const operations = walkers.length * (repeats - 1);
  return [joinNs / operations, leaveNs / operations];
}

/** CPU since then: waiting for a core that others use is not counted. */
function cpuNs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1_000;
}

function heapUsed(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
