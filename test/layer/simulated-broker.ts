import type { Clock } from 'channelbox';
import {
  BrokerLost,
  type Broker,
  type BrokerConnection,
  type BrokerEvents,
  type BrokerPurpose,
  type BrokerReply,
  type ScriptArgument,
  type ScriptName,
} from '../../src/layer/redis/broker/broker.ts';
import { turn } from '../manual-clock.ts';
import { Lane, randomFrom } from './broker.ts';
import { StoreConnection, StoreServer } from './store-server.ts';

const commandTurns = 4;
const pushTurns = 12;

/** Safeguards of the layer that a test takes away, to see that its faults are found without them. */
export type Mutant = 'fence' | 'probe' | 'verification' | 'cursor';

/** A broker as Redis is one, that forgets, goes deaf, loses and doubles when it is told to. */
export class SimulatedBroker extends StoreServer<SimulatedConnection> implements Broker {
  readonly random: () => number;
  readonly lanes: Set<{ readonly isEmpty: boolean }> = new Set();
  readonly mutant: Mutant | undefined;
  isDown: boolean = false;

  constructor(seed: number, clock: Clock, mutant?: Mutant) {
    super(() => clock.now());
    this.random = randomFrom(seed);
    this.mutant = mutant;
  }

  async connect(purpose: BrokerPurpose, events: BrokerEvents): Promise<BrokerConnection> {
    await turn(1 + Math.floor(this.random() * 5));
    if (this.isDown) throw new BrokerLost('connect ECONNREFUSED');
    return new SimulatedConnection(this, { purpose, events });
  }

  override restart(how: 'empty' | 'old'): void {
    // Without the fence, nobody can tell one run from the other.
    super.restart(how, this.mutant !== 'fence');
  }

  lane(turnsMax: number): Lane<() => void> {
    const lane = new Lane<() => void>((deliver) => deliver(), this.random, turnsMax);
    this.lanes.add(lane);
    return lane;
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

export class SimulatedConnection extends StoreConnection {
  node: string = '';
  readonly heard: Map<string, Buffer[]> = new Map();
  readonly #broker: SimulatedBroker;
  readonly #next = new Map<string, number>();

  constructor(broker: SimulatedBroker, options: { purpose: BrokerPurpose; events: BrokerEvents }) {
    const ways = {
      commands: broker.lane(commandTurns),
      answers: broker.lane(commandTurns),
      pushes: broker.lane(pushTurns),
      random: broker.random,
    };
    super(broker as StoreServer, ways, options);
    this.#broker = broker;
  }

  override run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<BrokerReply> {
    if (script === 'lease') {
      this.node = String(args[1]);
      if (this.#broker.mutant === 'probe' && args[3] !== '') {
        // Nobody notices that it does not come by itself.
        const push = Buffer.from(`1P${String(args[4])}`);
        for (const one of this.#broker.of(this.node, 'pushes')) one.deliver(String(args[3]), push);
      }
    }
    return super.run(script, keys, args);
  }

  protected override subscribed(channel: string): void {
    this.node = /:node:(.+)$/.exec(channel)?.[1] ?? this.node;
  }

  protected override passed(channel: string, payload: Buffer): void {
    const heard = this.heard.get(channel) ?? [];
    this.heard.set(channel, heard);
    heard.push(payload);
  }

  /** Without the cursor its numbers go on from the last ones, whatever was lost between. */
  protected override arrived(channel: string, payload: Buffer): Buffer {
    if (this.#broker.mutant !== 'cursor') return payload;
    if (payload.length < 48 || payload.toString('latin1', 0, 2) !== '1M') return payload;
    const copy = Buffer.from(payload);
    const next = this.#next.get(channel) ?? Number(copy.toString('latin1', 14, 30));
    copy.write(String(next).padStart(16, '0'), 14, 'latin1');
    let count = 0;
    for (let at = 44; at < copy.length; at += 4 + copy.readUInt32BE(at)) count += (copy[at + 4] as number) & 1;
    this.#next.set(channel, next + count);
    return copy;
  }
}
