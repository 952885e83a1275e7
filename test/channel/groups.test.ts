import { expect, test } from 'vitest';
import { countGroups, Groups, type Joinable } from '../../src/channel/groups.ts';
import { randomFrom } from '../layer/broker.ts';

class Member implements Joinable {
  readonly payloadType: 'json' | 'bytes';
  joined: Joinable['joined'] = undefined;

  constructor(payloadType: 'json' | 'bytes') {
    this.payloadType = payloadType;
  }
}

test('groups and members agree with a naive list of pairs, both ways, and nothing is left behind', () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const random = randomFrom(seed);
    const groups = new Groups<Member>();
    const members = Array.from({ length: 8 }, (_, at) => new Member(at % 3 === 0 ? 'bytes' : 'json'));
    const names = ['a', 'b', '__proto__', 'constructor'];
    const pairs = new Set<string>();
    for (let step = 0; step < 500; step += 1) {
      const at = Math.floor(random() * members.length);
      const member = members[at] as Member;
      const name = names[Math.floor(random() * names.length)] as string;
      const pair = `${at} ${name}`;
      const group = groups.get(name);
      const joins = random() < 0.5;
      const changed = joins ? groups.join(member, name).isNew : group !== undefined && groups.leave(member, group);
      expect(changed, `seed ${seed}`).toBe(joins ? !pairs.has(pair) : pairs.has(pair));
      if (joins) pairs.add(pair);
      else pairs.delete(pair);

      expect(groups.memberships, `seed ${seed}`).toBe(pairs.size);
      expect(countGroups(member)).toBe([...pairs].filter((one) => one.startsWith(`${at} `)).length);
      expect(groups.groupsOf(member).length).toBe(countGroups(member));
      for (const one of names) {
        const inside = members.filter((_, index) => pairs.has(`${index} ${one}`));
        expect(groups.get(one)?.members.size ?? 0, `seed ${seed}`).toBe(inside.length);
        expect(groups.get(one)?.textual ?? 0).toBe(inside.filter(({ payloadType }) => payloadType !== 'bytes').length);
      }
      expect(groups.size).toBe(new Set([...pairs].map((one) => one.slice(one.indexOf(' ') + 1))).size);
    }
  }
});

test('members are visited in the order of joining', () => {
  const groups = new Groups<Member>();
  const members = Array.from({ length: 5 }, () => new Member('json'));
  for (const member of members) groups.join(member, 'room');
  groups.leave(members[1] as Member, groups.get('room')!);
  groups.join(members[1] as Member, 'room');

  expect([...groups.get('room')!.members]).toEqual([members[0], members[2], members[3], members[4], members[1]]);
});
