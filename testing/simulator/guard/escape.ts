import type { SimNode } from '../world/node.ts';
import type { World } from '../world/world.ts';

/**
 * An escape is a call for what should have been taken from `env`; it knows whose code called, and what is served
 * instead.
 */
export interface Escaped {
  readonly world: World;
  /** Undefined for the code of a client. */
  readonly node: SimNode | undefined;
}

/** Asks whether the call that is under way is an escape, and notes it. */
export type Escapes = (what: string, below: (...args: never[]) => unknown, through?: string) => Escaped | undefined;
