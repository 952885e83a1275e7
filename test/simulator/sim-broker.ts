/** A broker of the Redis layer in the simulator's time: it forgets, comes back old, goes deaf, loses and doubles when a run says so. */
import type { Clock } from 'channelbox';
import type { SimEnv } from 'channelbox/testing/simulator';
import {
  BrokerLost,
  type Broker,
  type BrokerConnection,
  type BrokerEvents,
  type BrokerFacts,
  type BrokerPurpose,
  type BrokerReply,
  type ScriptArgument,
  type ScriptName,
} from '../../src/layer/redis/broker/broker.ts';
import { noMemory, SimulatedStore, type Memory } from '../layer/simulated-store.ts';

/** What may be done to it. */
export type BrokerFault =
  | 'remember'
  | 'come back empty'
  | 'come back old'
  | 'deaf'
  | 'lose'
  | 'double'
  | 'cut pushes'
  | 'cut commands';

/** What all nodes of one run share. */
export class VirtualBroker {
  readonly store: SimulatedStore;
  readonly connections: Set<VirtualConnection> = new Set();
  runId: string = 'run1';
  #runs = 1;
  #remembered: Memory = noMemory();

  constructor(clock: Clock) {
    // The server's own clock: it does not jump.
    this.store = new SimulatedStore(
      () => clock.monotonic() + 1_700_000_000_000,
      (channel, payload) => this.push(channel, payload),
    );
  }

  push(channel: string, payload: Buffer): number {
    let count = 0;
    for (const connection of this.connections) if (connection.push(channel, payload)) count += 1;
    return count;
  }

  /** @param node whose connections it is done to, where it is not done to the server */
  suffer(fault: BrokerFault, node: string): void {
    if (fault === 'remember') this.#remembered = copyOf(this.store.memory);
    else if (fault === 'come back empty') this.#restart(noMemory());
    else if (fault === 'come back old') this.#restart(copyOf(this.#remembered));
    else for (const connection of [...this.connections]) if (connection.env.node === node) connection.suffer(fault);
  }

  #restart(memory: Memory): void {
    this.#runs += 1;
    this.runId = `run${this.#runs}`;
    this.store.memory = memory;
    for (const connection of [...this.connections]) connection.lose('the server went');
  }
}

/** One node's way to it. */
export class NodeBroker implements Broker {
  readonly #broker: VirtualBroker;
  readonly #env: SimEnv;

  constructor(broker: VirtualBroker, env: SimEnv) {
    this.#broker = broker;
    this.#env = env;
  }

  async connect(purpose: BrokerPurpose, events: BrokerEvents): Promise<BrokerConnection> {
    await this.#env.io('broker connect');
    return new VirtualConnection(this.#broker, this.#env, { purpose, events });
  }
}

/** Carries things one way, in order, each after its own time. */
class Way {
  readonly #env: SimEnv;
  readonly #label: string;
  #tail: Promise<void> = Promise.resolve();

  constructor(env: SimEnv, label: string) {
    this.#env = env;
    this.#label = label;
  }

  put(deliver: () => void): void {
    const before = this.#tail;
    const after = this.#env.io(this.#label);
    this.#tail = (async () => {
      await before;
      await after;
      deliver();
    })();
  }
}

class VirtualConnection implements BrokerConnection {
  readonly facts: BrokerFacts;
  readonly env: SimEnv;
  readonly #broker: VirtualBroker;
  readonly #purpose: BrokerPurpose;
  readonly #events: BrokerEvents;
  readonly #commands: Way;
  readonly #answers: Way;
  readonly #pushes: Way;
  readonly #channels = new Set<string>();
  readonly #underWay = new Set<(error: Error) => void>();
  #isOver = false;
  #isDeaf = false;
  #losesNext = false;
  #doublesNext = false;

  constructor(
    broker: VirtualBroker,
    env: SimEnv,
    { purpose, events }: { purpose: BrokerPurpose; events: BrokerEvents },
  ) {
    this.#broker = broker;
    this.env = env;
    this.#purpose = purpose;
    this.#events = events;
    this.facts = { runId: broker.runId, warnings: [] };
    this.#commands = new Way(env, `${purpose} up`);
    this.#answers = new Way(env, `${purpose} answer`);
    this.#pushes = new Way(env, `${purpose} down`);
    broker.connections.add(this);
  }

  run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<BrokerReply> {
    return this.#command(() => this.#broker.store.run(script, keys, args));
  }

  publish(channel: string, payload: Buffer): Promise<number> {
    return this.#command(() => this.#broker.push(channel, payload));
  }

  keys(start: string, end: string): Promise<string[]> {
    return this.#command(() => this.#broker.store.keys(start, end));
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#command(() => {
      for (const channel of channels) this.#channels.add(channel);
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

  lose(why: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#events.lost(new BrokerLost(why));
    for (const reject of this.#underWay) reject(new BrokerLost(why));
    this.#underWay.clear();
  }

  suffer(fault: BrokerFault): void {
    if (fault === `cut ${this.#purpose}`) this.lose('it was cut');
    if (this.#purpose !== 'pushes') return;
    if (fault === 'deaf') this.#isDeaf = true;
    else if (fault === 'lose') this.#losesNext = true;
    else if (fault === 'double') this.#doublesNext = true;
  }

  push(channel: string, payload: Buffer): boolean {
    if (!this.#channels.has(channel)) return false;
    if (this.#isDeaf) return true;
    const isOfGroup = !channel.includes(':node:');
    if (isOfGroup && this.#losesNext) {
      this.#losesNext = false;
      return true;
    }
    const times = isOfGroup && this.#doublesNext ? 2 : 1;
    if (times === 2) this.#doublesNext = false;
    for (let left = times; left > 0; left -= 1) {
      this.#pushes.put(() => {
        if (!this.#isOver) this.#events.pushed(channel, payload);
      });
    }
    return true;
  }

  /** What was lost by the way may have been executed, or not. */
  #command<T>(execute: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new BrokerLost('the connection is closed'));
      this.#underWay.add(reject);
      this.#commands.put(() => {
        if (this.#isOver && this.env.random() < 0.5) return;
        const answer = attempt(execute);
        this.#answers.put(() => {
          if (!this.#underWay.delete(reject)) return;
          if ('error' in answer) reject(answer.error as Error);
          else resolve(answer.value);
        });
      });
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#broker.connections.delete(this);
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
