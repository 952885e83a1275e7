import { SimLane } from '../world/lane.ts';
import type { World } from '../world/world.ts';
import type { BrokerPush } from './broker.ts';

/** A call on its way to the broker. */
export interface Command {
  run(): void;
  isCancelled: boolean;
  hasRun: boolean;
}

export interface GroupRouteOptions {
  readonly world: World;
  readonly node: string;
  readonly group: string;
  readonly take: (push: BrokerPush) => void;
  readonly enter: (run: () => void) => void;
}

/** The way between one node and the broker for one group: order is kept in it, and among groups there is none. */
export class GroupRoute {
  readonly #options: GroupRouteOptions;
  readonly #up: SimLane<Command>;
  readonly #down: SimLane<BrokerPush>;
  /** Delays every command, while the layer is slow. */
  slowMs: number = 0;

  constructor(options: GroupRouteOptions) {
    this.#options = options;
    const { world, take, enter } = options;
    this.#up = new SimLane<Command>(world, {
      reachesApp: false,
      take: (command) => {
        if (command.isCancelled) return;
        command.hasRun = true;
        command.run();
      },
    });
    this.#down = new SimLane<BrokerPush>(world, { reachesApp: true, take, enter });
  }

  command(command: Command): void {
    this.#up.put(command, this.#delayMs('up'));
  }

  push(push: BrokerPush): void {
    this.#down.put(push, this.#delayMs('down'));
  }

  block(): void {
    this.#up.block();
    this.#down.block();
  }

  unblock(): void {
    this.#up.unblock();
    this.#down.unblock();
  }

  /** All that was on its way to the node is lost. */
  losePushes(): BrokerPush[] {
    return this.#down.clear();
  }

  end(): void {
    this.#up.clear();
    this.#down.clear();
  }

  #delayMs(way: 'up' | 'down'): number {
    const { world, node, group } = this.#options;
    const { tape, cause, config } = world;
    return config.layerMs + (way === 'up' ? this.slowMs : 0) + tape.draw('layer', `${node} ${way} ${group}`, cause);
  }
}
