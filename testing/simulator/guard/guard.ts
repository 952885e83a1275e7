import type { FoundFailure } from '../run/stage.ts';
import type { RunGuard } from '../run/session.ts';
import { SimNode } from '../world/node.ts';
import type { World } from '../world/world.ts';
import { appStack } from './caller.ts';
import { guardChance } from './chance.ts';
import { guardOutside } from './outside.ts';
import { Patches } from './patches.ts';
import { guardProcess } from './process-events.ts';
import { guardDates } from './dates.ts';
import type { Escapes } from './escape.ts';
import { guardTimers } from './timers.ts';

export interface Leak {
  readonly what: string;
  readonly stack: string;
  count: number;
}

let last: Promise<void> = Promise.resolve();

/**
 * Watches the doors by which chance and time reach a process, while a run is under way. Calls of the app are noted with their
 * stack and served from the seed and virtual time; Node's own, a test runner's and channelbox's pass. Outside runs every global
 * is the original.
 */
export class Guard implements RunGuard, AsyncDisposable {
  readonly isStrict: boolean;
  readonly #patches = new Patches();
  readonly #leaks = new Map<string, Leak>();
  readonly #release: () => void;
  #world: World | undefined = undefined;
  /** The first of the run that is under way. */
  #found: Leak | undefined = undefined;

  private constructor(mode: 'fail' | 'virtual', release: () => void) {
    this.isStrict = mode === 'fail';
    this.#release = release;
  }

  /** There is one set of globals: who comes while another simulation is under way waits for its end. */
  static async install(mode: 'fail' | 'virtual'): Promise<Guard> {
    const before = last;
    let release = (): void => {};
    last = new Promise<void>((resolve) => {
      release = resolve;
    });
    await before;
    const guard = new Guard(mode, release);
    guard.#patchAll();
    return guard;
  }

  get leaks(): readonly Leak[] {
    return [...this.#leaks.values()];
  }

  watch(world: World): void {
    this.#world = world;
    this.#found = undefined;
  }

  takeLeak(): FoundFailure | undefined {
    this.#world = undefined;
    const found = this.#found;
    if (found === undefined) return undefined;
    const { what, stack } = found;
    const where = stack.split('\n', 1)[0]?.trim().replace(/^at /, '') ?? '';
    return {
      kind: 'leak',
      name: what,
      message: `the app used ${what} at ${where}; ${adviceFor(what)}`,
      stack,
      witness: [],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#world = undefined;
    this.#patches.restore();
    this.#release();
  }

  readonly #escapes: Escapes = (what, below, through) => {
    const world = this.#world;
    if (world?.context === undefined) return undefined;
    const stack = appStack(below, through);
    if (stack === undefined) return undefined;
    const key = `${what}\n${stack.split('\n', 1)[0]}`;
    const known = this.#leaks.get(key);
    const leak = known ?? { what, stack, count: 0 };
    leak.count += 1;
    this.#leaks.set(key, leak);
    this.#found ??= leak;
    const { node } = world.context;
    return { world, node: node instanceof SimNode ? node : undefined };
  };

  #patchAll(): void {
    guardDates(this.#patches, this.#escapes);
    guardTimers(this.#patches, this.#escapes);
    guardChance(this.#patches, this.#escapes);
    guardOutside(this.#patches, this.#escapes);
    guardProcess(this.#patches, () => this.#world);
    this.#patches.publish();
  }
}

function adviceFor(what: string): string {
  if (/random|uuid|crypto/i.test(what))
    return 'take chance from env: env.random(), env.uuid(), or what is built on them';
  if (/Date|performance|hrtime|Intl|setTimeout|setInterval|setImmediate|timers|AbortSignal/.test(what)) {
    return 'take time from env.clock, or from ws.app.clock in a handler';
  }
  if (/WeakRef|FinalizationRegistry/.test(what))
    return 'when memory is collected is up to the engine: keep what you need';
  return 'a run cannot wait for the outside: let env.io() stand for the call, or a fake that is built on env.clock';
}
