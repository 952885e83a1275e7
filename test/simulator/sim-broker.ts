/** A broker of the Redis layer in the simulator's time: it forgets, comes back old, goes deaf, loses and doubles when a run says so. */
import type { Clock } from 'channelbox';
import type { SimEnv } from 'channelbox/testing/simulator';
import type { Broker, BrokerConnection, BrokerEvents, BrokerPurpose } from '../../src/layer/redis/broker/broker.ts';
import { StoreConnection, StoreServer, type Way } from '../layer/store-server.ts';

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
export class VirtualBroker extends StoreServer<VirtualConnection> {
  constructor(clock: Clock) {
    // The server's own clock: it does not jump.
    super(() => clock.monotonic() + 1_700_000_000_000);
  }

  /** @param node whose connections it is done to, where it is not done to the server */
  suffer(fault: BrokerFault, node: string): void {
    if (fault === 'remember') this.remember();
    else if (fault === 'come back empty') this.restart('empty');
    else if (fault === 'come back old') this.restart('old');
    else for (const connection of [...this.connections]) if (connection.node === node) connection.suffer(fault);
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

/** Each thing takes a time of its own, and none overtakes another. */
class VirtualWay implements Way {
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

class VirtualConnection extends StoreConnection {
  readonly node: string;

  constructor(broker: VirtualBroker, env: SimEnv, options: { purpose: BrokerPurpose; events: BrokerEvents }) {
    const way = (what: string): Way => new VirtualWay(env, `${options.purpose} ${what}`);
    const ways = {
      commands: way('up'),
      answers: way('answer'),
      pushes: way('down'),
      random: () => env.random(),
    };
    super(broker as StoreServer, ways, options);
    this.node = env.node;
  }

  suffer(fault: BrokerFault): void {
    if (fault === `cut ${this.purpose}`) this.lose('it was cut');
    if (this.purpose !== 'pushes') return;
    if (fault === 'deaf') this.isDeaf = true;
    else if (fault === 'lose') this.dropNext = 1;
    else if (fault === 'double') this.repeatNext = 1;
  }
}
