import type { ChannelLayer, Clock, Logger } from '../../../src/index.ts';
import type { SimEnv } from '../api/system.ts';
import type { World } from './world.ts';

/** The node that an environment belongs to. */
export interface EnvNode {
  readonly name: string;
  readonly clock: Clock;
  readonly world: World;
  enter(run: () => void, owner: unknown): void;
  /** Made when first asked for. */
  reachLayer(): ChannelLayer;
  uuid(): string;
  mark(label: string): void;
}

export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * One boot of a node is given this in place of the world. It is a class because of `layer`: a getter in an object literal would
 * keep each run alive until the old generation is collected.
 */
export class NodeEnv implements SimEnv {
  readonly node: string;
  readonly clock: Clock;
  readonly logger: Logger = silent;
  readonly #node: EnvNode;

  constructor(node: EnvNode) {
    this.#node = node;
    this.node = node.name;
    this.clock = node.clock;
  }

  get layer(): ChannelLayer {
    return this.#node.reachLayer();
  }

  // Fields, for who takes them apart.
  readonly random = (): number => {
    const { world, name } = this.#node;
    return world.tape.chance(`random ${name}`, world.cause) / 2 ** 32;
  };

  readonly uuid = (): string => this.#node.uuid();

  readonly io = (label = ''): Promise<void> => {
    const node = this.#node;
    const { world } = node;
    const { context } = world;
    const waitMs = 1 + world.tape.draw('io', label === '' ? node.name : label, world.cause);
    world.onItsWay += 1;
    return new Promise<void>((resolve) => {
      world.reach(waitMs, () => {
        world.onItsWay -= 1;
        node.enter(resolve, context?.connection);
      });
    });
  };

  readonly mark = (label: string): void => this.#node.mark(label);
}
