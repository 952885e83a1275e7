import type { Clock } from 'channelbox';
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
import { turn } from '../manual-clock.ts';
import { Lane, randomFrom } from './broker.ts';
import { noMemory, SimulatedStore, type Memory } from './simulated-store.ts';

const commandTurns = 4;
const pushTurns = 12;

/** Safeguards of the layer that a test takes away, to see that its faults are found without them. */
export type Mutant = 'fence' | 'probe' | 'verification' | 'cursor';

/** A broker as Redis is one, that forgets, goes deaf, loses and doubles when it is told to. */
export class SimulatedBroker implements Broker {
  readonly random: () => number;
  readonly store: SimulatedStore;
  readonly connections: Set<SimulatedConnection> = new Set();
  readonly lanes: Set<{ readonly isEmpty: boolean }> = new Set();
  readonly mutant: Mutant | undefined;
  runId: string = 'run1';
  isDown: boolean = false;
  #runs = 1;
  #remembered: Memory = noMemory();

  constructor(seed: number, clock: Clock, mutant?: Mutant) {
    this.random = randomFrom(seed);
    this.mutant = mutant;
    this.store = new SimulatedStore(
      () => clock.now(),
      (channel, payload) => this.push(channel, payload),
    );
  }

  async connect(purpose: BrokerPurpose, events: BrokerEvents): Promise<BrokerConnection> {
    await turn(1 + Math.floor(this.random() * 5));
    if (this.isDown) throw new BrokerLost('connect ECONNREFUSED');
    return new SimulatedConnection(this, purpose, events);
  }

  push(channel: string, payload: Buffer): number {
    let count = 0;
    for (const connection of this.connections) if (connection.push(channel, payload)) count += 1;
    return count;
  }

  remember(): void {
    this.#remembered = structuredClone(this.store.memory);
  }

  restart(how: 'empty' | 'old'): void {
    this.#runs += 1;
    // Without the fence, nobody can tell one run from the other.
    if (this.mutant !== 'fence') this.runId = `run${this.#runs}`;
    this.store.memory = how === 'old' ? asBuffers(this.#remembered) : noMemory();
    for (const connection of [...this.connections]) connection.lose('the server went');
  }

  /** Until nothing is under way, nor what it set going at its end. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await turn(20);
      if ([...this.lanes].some((lane) => !lane.isEmpty)) quiet = -1;
    }
  }

  /** The connections of one node, which is known by the channel that it listens to; its command connection by its lease. */
  of(node: string, purpose: BrokerPurpose): SimulatedConnection[] {
    return [...this.connections].filter((one) => one.purpose === purpose && one.node === node);
  }
}

export class SimulatedConnection implements BrokerConnection {
  readonly purpose: BrokerPurpose;
  readonly facts: BrokerFacts;
  node: string = '';
  isDeaf: boolean = false;
  /** Pushes of groups that are lost, or come twice. */
  dropNext: number = 0;
  repeatNext: number = 0;
  readonly heard: Map<string, Buffer[]> = new Map();
  readonly #broker: SimulatedBroker;
  readonly #events: BrokerEvents;
  readonly #channels = new Set<string>();
  readonly #underWay = new Set<(error: Error) => void>();
  readonly #commands: Lane<() => void>;
  readonly #answers: Lane<() => void>;
  readonly #pushes: Lane<readonly [string, Buffer]>;
  readonly #next = new Map<string, number>();
  #isOver = false;

  constructor(broker: SimulatedBroker, purpose: BrokerPurpose, events: BrokerEvents) {
    this.#broker = broker;
    this.purpose = purpose;
    this.#events = events;
    this.facts = { runId: broker.runId, warnings: [] };
    this.#commands = new Lane((run) => run(), broker.random, commandTurns);
    this.#answers = new Lane((run) => run(), broker.random, commandTurns);
    this.#pushes = new Lane(
      ([channel, payload]) => {
        if (!this.#isOver)
          events.pushed(channel, broker.mutant === 'cursor' ? this.#asIfWhole(channel, payload) : payload);
      },
      broker.random,
      pushTurns,
    );
    for (const lane of [this.#commands, this.#answers, this.#pushes]) broker.lanes.add(lane);
    broker.connections.add(this);
  }

  run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<BrokerReply> {
    if (script === 'lease') {
      this.node = String(args[1]);
      if (this.#broker.mutant === 'probe' && args[3] !== '') {
        // Nobody notices that it does not come by itself.
        for (const one of this.#broker.of(this.node, 'pushes')) one.feign(String(args[3]), `1P${String(args[4])}`);
      }
    }
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
      for (const channel of channels) {
        this.#channels.add(channel);
        const node = /:node:(.+)$/.exec(channel)?.[1];
        if (node !== undefined) this.node = node;
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

  lose(why: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#events.lost(new BrokerLost(why));
    for (const reject of this.#underWay) reject(new BrokerLost(why));
    this.#underWay.clear();
  }

  feign(channel: string, push: string): void {
    this.#pushes.put([channel, Buffer.from(push)]);
  }

  push(channel: string, payload: Buffer): boolean {
    if (!this.#channels.has(channel)) return false;
    if (this.isDeaf) return true;
    if (!channel.includes(':node:')) {
      const heard = this.heard.get(channel) ?? [];
      this.heard.set(channel, heard);
      heard.push(payload);
      if (this.dropNext > 0) {
        this.dropNext -= 1;
        return true;
      }
      if (this.repeatNext > 0) {
        this.repeatNext -= 1;
        this.#pushes.put([channel, payload]);
      }
    }
    this.#pushes.put([channel, payload]);
    return true;
  }

  /** What was lost by the way may have been executed, or not. */
  #command<T>(execute: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new BrokerLost('the connection is closed'));
      this.#underWay.add(reject);
      this.#commands.put(() => {
        if (this.#isOver && this.#broker.random() < 0.5) return;
        const answer = attempt(execute);
        this.#answers.put(() => {
          if (!this.#underWay.delete(reject)) return;
          if ('error' in answer) reject(answer.error as Error);
          else resolve(answer.value);
        });
      });
    });
  }

  /** Its numbers go on from the last ones, whatever was lost between. */
  #asIfWhole(channel: string, payload: Buffer): Buffer {
    if (payload.length < 48 || payload.toString('latin1', 0, 2) !== '1M') return payload;
    const copy = Buffer.from(payload);
    const next = this.#next.get(channel) ?? Number(copy.toString('latin1', 14, 30));
    copy.write(String(next).padStart(16, '0'), 14, 'latin1');
    let count = 0;
    for (let at = 44; at < copy.length; at += 4 + copy.readUInt32BE(at)) count += (copy[at + 4] as number) & 1;
    this.#next.set(channel, next + count);
    return copy;
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
function asBuffers(memory: Memory): Memory {
  const copy = structuredClone(memory);
  for (const state of copy.groups.values()) {
    for (const [offset, one] of state.log) state.log.set(offset, { ...one, item: Buffer.from(one.item) });
  }
  return copy;
}
