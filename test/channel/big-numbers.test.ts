import { describe, expect, test, vi } from 'vitest';
import { History } from '../../src/layer/history.ts';
import { Groups, type Joinable } from '../../src/channel/groups.ts';
import { Deadlines, type Deadline } from '../../src/time/deadlines.ts';
import { SystemClock } from '../../src/time/clock.ts';

const memberships = 100_000;

function newMember(): Joinable {
  return { payloadType: 'json', joined: undefined };
}

describe('groups', () => {
  test('leave nothing behind once all of their members have left', () => {
    const groups = new Groups<Joinable>();
    const members = Array.from({ length: memberships / 100 }, newMember);
    for (const [at, member] of members.entries()) {
      for (let step = 0; step < 100; step += 1) groups.join(member, `group-${(at * 100 + step) % 10_000}`);
    }
    expect([groups.size, groups.memberships]).toEqual([10_000, memberships]);
    for (const member of members) for (const group of groups.groupsOf(member)) groups.leave(member, group);
    expect([groups.size, groups.memberships, [...groups.names()]]).toEqual([0, 0, []]);
    expect(members.filter(({ joined }) => joined !== undefined && (joined as Set<unknown>).size > 0)).toEqual([]);
  });

  test('of one member in one group cost that member no set', () => {
    const groups = new Groups<Joinable>();
    const member = newMember();
    const { group } = groups.join(member, 'only');
    expect(member.joined).toBe(group);
    groups.leave(member, group);
    expect(member.joined).toBeUndefined();
  });

  test('let go of a dead member without a look at the others', () => {
    const groups = new Groups<Joinable>();
    let looks = 0;
    const watched = (): Joinable => ({
      get payloadType() {
        looks += 1;
        return 'json' as const;
      },
      joined: undefined,
    });
    const members = Array.from({ length: 10_000 }, watched);
    for (const member of members) groups.join(member, 'all');
    looks = 0;
    const dead = members[5_000] as Joinable;
    for (const group of groups.groupsOf(dead)) groups.leave(dead, group);
    expect(looks).toBeLessThanOrEqual(1);
    expect(groups.get('all')?.members.size).toBe(9_999);
  });
});

describe('history', () => {
  test('moves each entry a bounded number of times, however many come', () => {
    const slice = vi.spyOn(Array.prototype, 'slice');
    const history = new History('epoch');
    const bounds = { bytesMax: Infinity, countMax: 1_000, ttlMs: Infinity, totalBytesMax: Infinity };
    let moved = 0;
    const count = 50_000;
    for (let at = 0; at < count; at += 1) {
      history.append({ kind: 'json', text: '1' }, { uuid: `${at}`, created: 0, atMs: at }, bounds);
      for (const { value } of slice.mock.results) moved += (value as unknown[]).length;
      slice.mockClear();
    }
    slice.mockRestore();
    expect(history.count).toBe(1_000);
    expect(moved / count).toBeLessThanOrEqual(2);
  });
});

describe('deadlines', () => {
  test('that only move later are never sorted again until they are due', () => {
    const deadlines = new Deadlines(new SystemClock());
    let reads = 0;
    const due = (): Deadline => ({
      get dueMs() {
        reads += 1;
        return performance.now() + 3_600_000;
      },
      heapIndex: -1,
      onDue: () => {},
    });
    const all = Array.from({ length: 10_000 }, due);
    for (const one of all) deadlines.schedule(one);
    reads = 0;
    const [first] = all;
    deadlines.schedule(first as Deadline);
    expect(reads).toBe(1);
    for (const one of all) deadlines.cancel(one);
    expect(deadlines.size).toBe(0);
  });
});
