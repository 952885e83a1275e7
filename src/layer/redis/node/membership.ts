import { quiet } from '../../../promise.ts';
import type { LayerError } from '../../../errors.ts';
import type { Member } from '../../layer.ts';
import { BrokerRefusal, listOf, numberOf, textOf, type BrokerConnection, type BrokerReply } from '../broker/broker.ts';
import { isLost, type NodeParts } from '../connection/calls.ts';
import { groupKey, groupOfKey } from '../connection/envelope.ts';

interface RosterStep {
  readonly what: 'add' | 'drop' | 'leave';
  readonly group: string;
  readonly channel: string;
  readonly about: string;
  settle(error?: Error): void;
}

const pageSteps = 500;
const pageGroups = 200;

/** A node says who is where: its members as the broker keeps them, and the lease by which they count. */
export class Membership {
  readonly #parts: () => NodeParts;
  #steps: RosterStep[] = [];
  #isWriting = false;
  /** Until the broker has all of this node's members again, what changes is written with them. */
  #isReplacing = false;
  /** It has them, and the connection that they were written on is about to be that of everybody. */
  #isComing = false;
  #hasLease = false;

  /** Nothing is on its way to the broker. */
  get isQuiet(): boolean {
    return !this.#isWriting && !this.#isReplacing && this.#steps.length === 0;
  }

  constructor(parts: () => NodeParts) {
    this.#parts = parts;
  }

  announce(group: string, member: Member): Promise<void> {
    const { commands, calls } = this.#parts();
    return new Promise((resolve, reject) => {
      const about = JSON.stringify({ created: member.created, metadata: member.metadata });
      const step: RosterStep = {
        what: 'add',
        group,
        channel: member.uuid,
        about,
        settle: (error) => (error === undefined ? resolve() : reject(error)),
      };
      this.#add(step);
      if (commands.connection === undefined) {
        calls.connection(commands).catch((error: Error) => {
          this.#steps = this.#steps.filter((other) => other !== step);
          reject(error);
        });
      }
    });
  }

  /** Never rejects: what a lost connection left undone is put right when all members are written again. */
  retire(group: string, channel: string): Promise<void> {
    const { commands } = this.#parts();
    const isUnwritten = commands.connection === undefined && !this.#isReplacing && !this.#isComing;
    if (isUnwritten) return this.#retireUnwritten(group, channel);
    return new Promise((resolve) => {
      this.#add({ what: 'drop', group, channel, about: '', settle: () => resolve() });
    });
  }

  /** What waits for the connection is written, but for what came with all the others. */
  commandsUp(): void {
    this.#isComing = false;
    this.#write();
  }

  commandsDown(): void {
    this.#isComing = false;
  }

  /** @returns what the broker says of the leases; a first or lapsed one means that it has none of this node's members */
  async renew(connection: BrokerConnection, probe: string): Promise<LeaseReply> {
    const { settings, node, context } = this.#parts();
    const channel = probe === '' ? '' : `${settings.prefix}:node:${node}`;
    // The broker tells its time between this and the answer. Whoever sleeps until that is read must not take it for the present.
    const atMs = context.clock.monotonic();
    const reply = listOf(await connection.run('lease', [], [settings.prefix, node, settings.leaseMs, channel, probe]));
    return {
      nowMs: numberOf(reply[0]),
      atMs,
      hasLapsed: textOf(reply[1]) === 'lapsed' || (this.#hasLease && textOf(reply[1]) === 'none'),
      groups: numberOf(reply[2]),
      live: listOf(reply[3]).map(textOf),
      lapsed: listOf(reply[4]).map(textOf),
    };
  }

  /** Writes all members of this node anew, and withdraws it from groups that it is in no more. */
  async replaceAll(connection: BrokerConnection): Promise<void> {
    const { context, settings, node } = this.#parts();
    this.#hasLease = true;
    this.#isReplacing = true;
    // Whatever waits is in what the box has by now.
    const waiting = this.#steps.splice(0);
    try {
      const has = listOf(await connection.run('groups', [], [settings.prefix, node])).map(textOf);
      const gone = has.filter((group) => !context.local.hasGroup(groupOfKey(group)));
      let page = gone.flatMap((group) => ['leave', group, '', '']);
      for (const group of [...context.local.groups()]) {
        page.push('leave', groupKey(group), '', '');
        for (const member of context.local.members(group))
          page.push('add', groupKey(group), member.uuid, describe(member));
        if (page.length < pageSteps * 4) continue;
        await connection.run('roster', [], [settings.prefix, node, ...page]);
        page = [];
      }
      if (page.length > 0) await connection.run('roster', [], [settings.prefix, node, ...page]);
      // Whoever is answered now and has left meanwhile is taken out again.
      this.#isComing = this.#parts().commands.connection === undefined;
      for (const { settle } of waiting) settle();
    } catch (error) {
      this.#steps.unshift(...waiting);
      throw error;
    } finally {
      this.#isReplacing = false;
      this.#write();
    }
  }

  /** Clears away what nodes left behind that have no lease any more. */
  async sweep(lapsed: readonly string[]): Promise<void> {
    const { settings, commands, counters } = this.#parts();
    for (const node of lapsed) {
      for (let left = 1; left > 0;) {
        const { connection } = commands;
        if (connection === undefined) return;
        left = numberOf(await connection.run('sweep', [], [settings.prefix, node, '0', pageGroups]));
      }
      counters.nodesSwept += 1;
    }
  }

  async withdraw(connection: BrokerConnection): Promise<void> {
    const { settings, node } = this.#parts();
    for (let left = 1; left > 0;) {
      left = numberOf(await connection.run('sweep', [], [settings.prefix, node, '1', pageGroups]));
    }
  }

  async members(group: string): Promise<Member[]> {
    const [found] = await this.#membersOf([group]);
    return found ?? [];
  }

  async groups(): Promise<Map<string, Member[]>> {
    const { calls, settings } = this.#parts();
    const reply = await calls.ask((connection) => connection.run('groups', [], [settings.prefix]));
    const names = [...new Set(listOf(reply).flatMap((groups) => listOf(groups).map(textOf)))];
    const all = new Map<string, Member[]>();
    for (let at = 0; at < names.length; at += pageGroups) {
      const page = names.slice(at, at + pageGroups).map(groupOfKey);
      for (const [index, members] of (await this.#membersOf(page)).entries()) {
        if (members.length > 0) all.set(page[index] as string, members);
      }
    }
    return all;
  }

  close(): void {
    const { calls } = this.#parts();
    for (const { what, settle } of this.#steps.splice(0)) settle(what === 'add' ? calls.closed() : undefined);
  }

  async #membersOf(groups: readonly string[]): Promise<Member[][]> {
    const { calls, settings } = this.#parts();
    const args = [settings.prefix, ...groups.map(groupKey)];
    const reply = await calls.ask((connection) => connection.run('members', [], args));
    return listOf(reply).map(membersIn);
  }

  #retireUnwritten(group: string, channel: string): Promise<void> {
    const left: RosterStep[] = [];
    for (const step of this.#steps) {
      if (step.group === group && step.channel === channel && step.what === 'add') step.settle();
      else left.push(step);
    }
    this.#steps = left;
    return Promise.resolve();
  }

  #add(step: RosterStep): void {
    this.#steps.push(step);
    if (this.#steps.length === 1) queueMicrotask(() => this.#write());
  }

  #write(): void {
    const { connection } = this.#parts().commands;
    if (this.#isWriting || this.#isReplacing || connection === undefined || this.#steps.length === 0) return;
    this.#isWriting = true;
    const page = this.#steps.splice(0, pageSteps);
    void this.#writePage(connection, page);
  }

  async #writePage(connection: BrokerConnection, page: readonly RosterStep[]): Promise<void> {
    const { settings, node, calls, commands } = this.#parts();
    try {
      const args = page.flatMap(({ what, group, channel, about }) => [what, groupKey(group), channel, about]);
      const writing = quiet(connection.run('roster', [], [settings.prefix, node, ...args]));
      await calls.within(writing, 'Redis did not take the members');
      for (const { settle } of page) settle();
    } catch (error) {
      if (isLost(error)) {
        if (commands.connection === connection) commands.replace(error as Error);
        // They are written with all the others when the connection is back, if it comes in time.
        calls.connection(commands).then(
          () => page.forEach(({ settle }) => settle()),
          (down: Error) => page.forEach(({ what, settle }) => settle(what === 'add' ? down : undefined)),
        );
      } else {
        const shown = error instanceof BrokerRefusal ? calls.refused(error) : (error as LayerError);
        for (const { what, settle } of page) settle(what === 'add' ? shown : undefined);
      }
    }
    this.#isWriting = false;
    this.#write();
  }
}

export interface LeaseReply {
  /** Unix milliseconds of the broker, told at `atMs` of this node's clock or later. */
  readonly nowMs: number;
  readonly atMs: number;
  readonly hasLapsed: boolean;
  /** In how many groups the broker has this node. */
  readonly groups: number;
  readonly live: readonly string[];
  readonly lapsed: readonly string[];
}

function describe({ created, metadata }: Member): string {
  return JSON.stringify({ created, metadata });
}

/** Node, its members, node, … ; what cannot be read is nobody. */
function membersIn(reply: BrokerReply): Member[] {
  const pairs = listOf(reply);
  const members: Member[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const node = textOf(pairs[at]);
    const fields = listOf(pairs[at + 1]);
    for (let field = 0; field < fields.length; field += 2) {
      try {
        const about = JSON.parse(textOf(fields[field + 1])) as Pick<Member, 'created' | 'metadata'>;
        members.push({ uuid: textOf(fields[field]), node, created: about.created, metadata: about.metadata });
      } catch {
        // Of nobody's making.
      }
    }
  }
  return members;
}
