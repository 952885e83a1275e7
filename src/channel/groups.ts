import type { PayloadType } from '../api.ts';

/** What a group asks of its members: their kind, and a place to note where they are. */
export interface Joinable {
  readonly payloadType: PayloadType;
  /** Most channels are in one group, which then needs no set. */
  joined: Group<Joinable> | Set<Group<Joinable>> | undefined;
}

/** The channels of this node under one name. A set: join and leave are O(1), iteration is in order of joining. */
export class Group<M extends Joinable> {
  readonly name: string;
  readonly members: Set<M> = new Set();
  /** Members that are not of kind `bytes`, whom bytes cannot reach. */
  textual = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** All groups of one node, both ways. A group lives while it has members and leaves nothing behind. */
export class Groups<M extends Joinable> {
  readonly #byName = new Map<string, Group<M>>();
  #memberships = 0;

  get size(): number {
    return this.#byName.size;
  }

  get memberships(): number {
    return this.#memberships;
  }

  get(name: string): Group<M> | undefined {
    return this.#byName.get(name);
  }

  names(): IterableIterator<string> {
    return this.#byName.keys();
  }

  /** @returns the group, and whether the member is new in it */
  join(member: M, name: string): { group: Group<M>; isNew: boolean } {
    let group = this.#byName.get(name);
    if (group === undefined) {
      group = new Group<M>(name);
      this.#byName.set(name, group);
    } else if (group.members.has(member)) return { group, isNew: false };
    group.members.add(member);
    if (member.payloadType !== 'bytes') group.textual += 1;
    this.#memberships += 1;
    note(member, group as unknown as Group<Joinable>);
    return { group, isNew: true };
  }

  /** @returns false when it was no member */
  leave(member: M, group: Group<M>): boolean {
    if (!group.members.delete(member)) return false;
    if (member.payloadType !== 'bytes') group.textual -= 1;
    this.#memberships -= 1;
    strike(member, group as unknown as Group<Joinable>);
    if (group.members.size === 0) this.#byName.delete(group.name);
    return true;
  }

  groupsOf(member: M): readonly Group<M>[] {
    const { joined } = member;
    if (joined === undefined) return [];
    return (joined instanceof Set ? [...joined] : [joined]) as unknown as readonly Group<M>[];
  }
}

export function countGroups(member: Joinable): number {
  const { joined } = member;
  if (joined === undefined) return 0;
  return joined instanceof Set ? joined.size : 1;
}

function note(member: Joinable, group: Group<Joinable>): void {
  const { joined } = member;
  if (joined === undefined) member.joined = group;
  else if (joined instanceof Set) joined.add(group);
  else member.joined = new Set([joined, group]);
}

function strike(member: Joinable, group: Group<Joinable>): void {
  const { joined } = member;
  if (joined === group) member.joined = undefined;
  else if (joined instanceof Set && joined.delete(group) && joined.size === 0) member.joined = undefined;
}
