/** A server that keeps everything in a store of its own, and connections to it; how long things are under way is another's affair. */
import {
  BrokerLost,
  type BrokerConnection,
  type BrokerEvents,
  type BrokerFacts,
  type BrokerPurpose,
  type BrokerReply,
  type ScriptArgument,
  type ScriptName,
} from '../../src/layer/redis/broker/broker.ts';
import { noMemory, SimulatedStore, type Memory } from './simulated-store.ts';

/** Carries things one way, in order. */
export interface Way {
  put(deliver: () => void): void;
}

/** The three ways of a connection, and what decides whether a lost command was executed. */
export interface Ways {
  readonly commands: Way;
  readonly answers: Way;
  readonly pushes: Way;
  random(): number;
}

/** A server that forgets, and comes back old, when it is told to. */
export class StoreServer<Connection extends StoreConnection = StoreConnection> {
  readonly store: SimulatedStore;
  readonly connections: Set<Connection> = new Set();
  runId: string = 'run1';
  #runs = 1;
  #remembered: Memory = noMemory();

  constructor(now: () => number) {
    this.store = new SimulatedStore(now, (channel, payload) => this.push(channel, payload));
  }

  push(channel: string, payload: Buffer): number {
    let count = 0;
    for (const connection of this.connections) if (connection.push(channel, payload)) count += 1;
    return count;
  }

  remember(): void {
    this.#remembered = copyOf(this.store.memory);
  }

  /** @param isTold whether its connections can tell one run from the other */
  restart(how: 'empty' | 'old', isTold = true): void {
    this.#runs += 1;
    if (isTold) this.runId = `run${this.#runs}`;
    this.store.memory = how === 'old' ? copyOf(this.#remembered) : noMemory();
    for (const connection of [...this.connections]) connection.lose('the server went');
  }
}

/** A connection that goes deaf, loses and doubles when it is told to. */
export class StoreConnection implements BrokerConnection {
  readonly purpose: BrokerPurpose;
  readonly facts: BrokerFacts;
  isDeaf: boolean = false;
  /** Pushes of groups that are lost, or come twice. */
  dropNext: number = 0;
  repeatNext: number = 0;
  readonly #server: StoreServer;
  readonly #events: BrokerEvents;
  readonly #ways: Ways;
  readonly #channels = new Set<string>();
  readonly #underWay = new Set<(error: Error) => void>();
  #isOver = false;
  /** What came by it and has not been read; undefined while its node reads. */
  #unread: (() => void)[] | undefined;

  constructor(server: StoreServer, ways: Ways, { purpose, events }: { purpose: BrokerPurpose; events: BrokerEvents }) {
    this.#server = server;
    this.#ways = ways;
    this.purpose = purpose;
    this.#events = events;
    this.facts = { runId: server.runId, warnings: [] };
    server.connections.add(this);
  }

  run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<BrokerReply> {
    return this.#command(() => this.#server.store.run(script, keys, args));
  }

  publish(channel: string, payload: Buffer): Promise<number> {
    return this.#command(() => this.#server.push(channel, payload));
  }

  keys(start: string, end: string): Promise<string[]> {
    return this.#command(() => this.#server.store.keys(start, end));
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#command(() => {
      for (const channel of channels) {
        this.#channels.add(channel);
        this.subscribed(channel);
      }
    });
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#command(() => {
      for (const channel of channels) this.#channels.delete(channel);
    });
  }

  close(): void {
    this.#end();
  }

  /** Its node does not read: answers and pushes, and after them the connection's end, wait. */
  hold(): void {
    this.#unread ??= [];
  }

  release(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    for (const read of unread) read();
  }

  /** The connection ends before its node has read what waits. */
  discard(): void {
    this.#unread = undefined;
    this.lose('reset');
  }

  lose(why: string): void {
    if (this.#isOver) return;
    if (this.#unread !== undefined) {
      this.#server.connections.delete(this);
      this.#unread.push(() => this.lose(why));
      return;
    }
    this.#end();
    this.#events.lost(new BrokerLost(why));
    for (const reject of this.#underWay) reject(new BrokerLost(why));
    this.#underWay.clear();
  }

  /** @returns whether it listens there, as the server sees it */
  push(channel: string, payload: Buffer): boolean {
    if (!this.#channels.has(channel)) return false;
    if (this.isDeaf) return true;
    if (!channel.includes(':node:')) {
      this.passed(channel, payload);
      if (this.dropNext > 0) {
        this.dropNext -= 1;
        return true;
      }
      if (this.repeatNext > 0) {
        this.repeatNext -= 1;
        this.deliver(channel, payload);
      }
    }
    this.deliver(channel, payload);
    return true;
  }

  /** Sends a push on its way. */
  deliver(channel: string, payload: Buffer): void {
    const read = (): void => {
      if (!this.#isOver) this.#events.pushed(channel, this.arrived(channel, payload));
    };
    this.#ways.pushes.put(() => this.#arrive(read));
  }

  /** The server has it listen there. */
  protected subscribed(_channel: string): void {}

  /** The server pushes it this message of a group, whatever becomes of it. */
  protected passed(_channel: string, _payload: Buffer): void {}

  /** What the node is told of a push. */
  protected arrived(_channel: string, payload: Buffer): Buffer {
    return payload;
  }

  /** What was lost by the way may have been executed, or not. */
  #command<T>(execute: () => T): Promise<T> {
    const { commands, answers } = this.#ways;
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new BrokerLost('the connection is closed'));
      this.#underWay.add(reject);
      commands.put(() => {
        if (this.#isOver && this.#ways.random() < 0.5) return;
        const answer = attempt(execute);
        const read = (): void => {
          if (!this.#underWay.delete(reject)) return;
          if ('error' in answer) reject(answer.error as Error);
          else resolve(answer.value);
        };
        answers.put(() => this.#arrive(read));
      });
    });
  }

  #arrive(read: () => void): void {
    if (this.#unread === undefined) read();
    else this.#unread.push(read);
  }

  #end(): void {
    this.#isOver = true;
    this.#server.connections.delete(this);
  }
}

function attempt<T>(execute: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: execute() };
  } catch (error) {
    return { error };
  }
}

/** A structured clone has bytes where there were buffers. */
function copyOf(memory: Memory): Memory {
  const copy = structuredClone(memory);
  for (const state of copy.groups.values()) {
    for (const [offset, one] of state.log) state.log.set(offset, { ...one, item: Buffer.from(one.item) });
  }
  return copy;
}
