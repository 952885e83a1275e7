import {
  BrokerRefusal,
  type BrokerReply,
  type ScriptArgument,
  type ScriptName,
} from '../../src/layer/redis/broker/broker.ts';

interface LogItem {
  readonly item: Buffer;
  readonly bytes: number;
  readonly atMs: number;
}

interface GroupState {
  epoch: string;
  top: number;
  base: number;
  previous: string;
  previousTop: number;
  why: string;
  run: string;
  log: Map<number, LogItem>;
  keys: Map<string, number>;
}

/** All that a broker remembers. */
export interface Memory {
  groups: Map<string, GroupState>;
  leases: Map<string, number>;
  /** Node → group → channel → what is told of it. */
  rosters: Map<string, Map<string, Map<string, string>>>;
}

export function noMemory(): Memory {
  return { groups: new Map(), leases: new Map(), rosters: new Map() };
}

/** What the scripts of the layer do, over a memory instead of a Redis. */
export class SimulatedStore {
  memory: Memory = noMemory();
  readonly #nowMs: () => number;
  readonly #push: (channel: string, payload: Buffer) => number;

  constructor(nowMs: () => number, push: (channel: string, payload: Buffer) => number) {
    // Whole milliseconds, as the scripts make them of TIME.
    this.#nowMs = () => Math.floor(nowMs());
    this.#push = push;
  }

  run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): BrokerReply {
    const key = (keys[0] ?? '').replace(/:meta$/, '');
    const text = (at: number): string => String(args[at] ?? '');
    switch (script) {
      case 'publish':
        return this.#add(this.#opened(key, text(0), text(1)), args, 8);
      case 'again':
        return this.#again(this.#opened(key, text(0), text(1)), args);
      case 'read':
        return this.#read(this.#opened(key, text(0), text(1)), args);
      case 'check':
        return this.#check(args);
      case 'roster':
        return this.#roster(args);
      case 'lease':
        return this.#lease(args);
      case 'sweep':
        return this.#sweep(text(1), text(2) === '1');
      case 'members':
        return args.slice(1).map((group) => this.#members(String(group)));
      case 'groups':
        if (args[1] !== undefined) return [...(this.memory.rosters.get(text(1))?.keys() ?? [])];
        return this.#live().map((node) => [...(this.memory.rosters.get(node)?.keys() ?? [])]);
      case 'order':
        return this.#order(args);
      case 'flush':
        return this.#flush(key, text(0), text(1));
      default:
        throw new BrokerRefusal(`ERR unknown script ${String(script)}`);
    }
  }

  keys(start: string, end: string): string[] {
    const logs = [...this.memory.groups].filter(([, { log }]) => log.size > 0).map(([key]) => `${key}:log`);
    return logs.filter((key) => key.startsWith(start) && key.endsWith(end));
  }

  #opened(key: string, run: string, fresh: string): GroupState {
    let state = this.memory.groups.get(key);
    if (state === undefined) {
      state = {
        epoch: fresh,
        top: 0,
        base: 0,
        previous: '',
        previousTop: 0,
        why: 'new',
        run,
        log: new Map(),
        keys: new Map(),
      };
      this.memory.groups.set(key, state);
    } else if (run !== '' && state.run !== run) {
      begin(state, fresh, 'restart');
      state.run = run;
    }
    return state;
  }

  #add(state: GroupState, args: readonly ScriptArgument[], at: number): BrokerReply {
    const [, , , countMax, bytesMax, channel, items, count] = args as [
      string,
      string,
      string,
      number,
      number,
      string,
      Buffer,
      number,
    ];
    const key = String(args[at + 3] ?? '');
    const known = key === '' ? undefined : state.keys.get(key);
    if (known !== undefined && state.log.has(known)) return [state.epoch, String(known), '0', 0, 1];
    const first = state.top + 1;
    for (let index = 0; index < count; index += 1) {
      const [from, to, bytes] = args.slice(at + index * 4, at + index * 4 + 3).map(Number) as [number, number, number];
      state.top += 1;
      state.log.set(state.top, { item: Buffer.from(items.subarray(from - 1, to)), bytes, atMs: this.#nowMs() });
    }
    const size = (): number => [...state.log.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    while (state.log.size > countMax || size() > bytesMax) state.log.delete(oldest(state));
    if (key !== '') state.keys.set(key, first);
    const head = `1M${state.epoch}${String(first).padStart(16, '0')}${String(this.#nowMs()).padStart(14, '0')}`;
    const nodes = this.#push(channel, Buffer.concat([Buffer.from(head), items]));
    return [state.epoch, String(first), String(this.#nowMs()), nodes, 0];
  }

  #again(state: GroupState, args: readonly ScriptArgument[]): BrokerReply {
    const epoch = String(args[8]);
    const from = epoch === '' ? state.base : Number(args[9]);
    if (epoch === '' ? state.why === 'flushed' : epoch !== state.epoch) return [];
    for (const [offset, { item, atMs }] of state.log) {
      if (offset > from && item.subarray(1, 19).equals(args[10] as Buffer))
        return [state.epoch, String(offset), String(atMs), 0, 2];
    }
    if (state.top > from && oldest(state) > from + 1) return [];
    return this.#add(state, args, 11);
  }

  #read(state: GroupState, args: readonly ScriptArgument[]): BrokerReply {
    const [ttlMs, limit] = [Number(args[2]), Number(args[5])];
    const [epoch, offset, isRecovery] = [String(args[3]), Number(args[4]), args[7] === '1'];
    for (const [at, { atMs }] of state.log) if (ttlMs >= 0 && atMs <= this.#nowMs() - ttlMs) state.log.delete(at);
    const first = oldest(state);
    if (isRecovery && epoch === state.epoch) {
      if (offset > state.top) begin(state, String(args[1]), 'restart');
      else if (offset + 1 < first) begin(state, String(args[1]), 'trimmed');
    }
    let from = first;
    if (epoch === state.epoch && offset <= state.top) from = offset + 1;
    else if (isRecovery) from = epoch === state.previous && state.why === 'trimmed' ? offset + 1 : state.base + 1;
    from = Math.max(from, first);
    if (args[6] === 'newest' && limit > 0) from = Math.max(from, state.top - limit + 1);
    const kept = [...state.log].filter(([at]) => at >= from).slice(0, limit < 0 ? undefined : limit);
    const entries = kept.map(([at, { item, atMs }]) => [`${at}-0`, ['d', item, 'c', '0', 't', String(atMs)]]);
    if (args[8] !== '') {
      this.#push(
        String(args[8]),
        Buffer.from(`1C${state.epoch}${String(state.top).padStart(16, '0')}${String(args[9])}`),
      );
    }
    const { top, base, previous, previousTop, why } = state;
    return [state.epoch, String(top), String(base), previous, String(previousTop), why, String(first), entries];
  }

  #check(args: readonly ScriptArgument[]): BrokerReply {
    const found: BrokerReply[] = [];
    for (let at = 5; at < args.length; at += 2) {
      const state = this.#opened(`${String(args[0])}:{${String(args[at])}}`, String(args[1]), String(args[at + 1]));
      found.push(state.epoch, String(state.top));
    }
    if (args[3] !== '')
      this.#push(String(args[3]), Buffer.from(`1C${'-'.repeat(12)}${'0'.repeat(16)}${String(args[4])}`));
    return found;
  }

  #roster(args: readonly ScriptArgument[]): BrokerReply {
    const node = String(args[1]);
    const own = this.memory.rosters.get(node) ?? new Map<string, Map<string, string>>();
    this.memory.rosters.set(node, own);
    for (let at = 2; at < args.length; at += 4) {
      const [what, group, channel, about] = args.slice(at, at + 4).map(String) as [string, string, string, string];
      if (what === 'leave') own.delete(group);
      else if (what === 'add') own.set(group, (own.get(group) ?? new Map()).set(channel, about));
      else {
        own.get(group)?.delete(channel);
        if (own.get(group)?.size === 0) own.delete(group);
      }
    }
    return 1;
  }

  #lease(args: readonly ScriptArgument[]): BrokerReply {
    const nowMs = this.#nowMs();
    const [node, leaseMs, channel, probe] = [String(args[1]), Number(args[2]), String(args[3]), String(args[4])];
    const due = this.memory.leases.get(node);
    this.memory.leases.set(node, nowMs + leaseMs);
    if (channel !== '') this.#push(channel, Buffer.from(`1P${probe}`));
    const lapsed = [...this.memory.leases].filter(([, dueMs]) => dueMs < nowMs).map(([name]) => name);
    const state = due === undefined ? 'none' : due < nowMs ? 'lapsed' : 'live';
    return [String(nowMs), state, this.memory.rosters.get(node)?.size ?? 0, this.#live(), lapsed];
  }

  #sweep(node: string, isForced: boolean): BrokerReply {
    if (!isForced && (this.memory.leases.get(node) ?? 0) >= this.#nowMs()) return 0;
    this.memory.rosters.delete(node);
    this.memory.leases.delete(node);
    return 0;
  }

  #members(group: string): BrokerReply {
    return this.#live().flatMap((node) => {
      const here = this.memory.rosters.get(node)?.get(group);
      return here === undefined ? [] : [node, [...here].flat()];
    });
  }

  #order(args: readonly ScriptArgument[]): BrokerReply {
    const [prefix, node, asker] = args.map(String) as [string, string, string];
    const nodes = node === '*' ? this.#live() : [node];
    const head = Buffer.from(`1O${String(Math.floor(this.#nowMs() + Number(args[3]))).padStart(14, '0')}`);
    const order = Buffer.concat([head, args[4] as Buffer]);
    return nodes
      .filter((name) => name !== asker)
      .flatMap((name) => [name, this.#push(`${prefix}:node:${name}`, order)]);
  }

  #flush(key: string, run: string, fresh: string): BrokerReply {
    if (!this.memory.groups.has(key)) return 0;
    const state = this.#opened(key, run, fresh);
    if (state.top === state.base && state.log.size === 0) return 0;
    Object.assign(state, {
      previous: state.epoch,
      previousTop: state.top,
      epoch: fresh,
      top: 0,
      base: 0,
      why: 'flushed',
    });
    state.log.clear();
    state.keys.clear();
    return 1;
  }

  #live(): string[] {
    return [...this.memory.leases].filter(([, dueMs]) => dueMs >= this.#nowMs()).map(([node]) => node);
  }
}

function begin(state: GroupState, fresh: string, why: string): void {
  Object.assign(state, { previous: state.epoch, previousTop: state.top, base: state.top, epoch: fresh, why });
  if (why === 'restart') state.keys.clear();
}

function oldest({ log, top }: GroupState): number {
  for (const offset of log.keys()) return offset;
  return top + 1;
}
