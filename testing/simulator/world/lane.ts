import type { World } from './world.ts';

interface Laid<T> {
  readonly atMs: number;
  readonly cause: number;
  readonly item: T;
}

export interface SimLaneOptions<T> {
  readonly take: (item: T) => void;
  /** What arrives may run the app's code: each by itself, unless `chunks`. */
  readonly reachesApp: boolean;
  readonly chunks?: boolean;
  /** Runs it when the node is not paused; told what to run. */
  readonly enter?: (run: () => void) => void;
}

/** Carries things one way, in order, each after its own time; blocked, all wait and none is lost. */
export class SimLane<T> {
  readonly #world: World;
  readonly #options: SimLaneOptions<T>;
  #laid: Laid<T>[] = [];
  #head = 0;
  #lastMs = 0;
  #isBlocked = false;
  #isArmed = false;

  constructor(world: World, options: SimLaneOptions<T>) {
    this.#world = world;
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#head === this.#laid.length;
  }

  put(item: T, afterMs: number): void {
    const world = this.#world;
    this.#lastMs = Math.max(this.#lastMs, world.nowMs + afterMs);
    this.#laid.push({ atMs: this.#lastMs, cause: world.cause, item });
    world.onItsWay += 1;
    this.#arm();
  }

  block(): void {
    this.#isBlocked = true;
  }

  unblock(): void {
    this.#isBlocked = false;
    this.#arm();
  }

  /** All that is under way is lost. @returns what that was */
  clear(): T[] {
    const lost = this.#laid.slice(this.#head).map(({ item }) => item);
    this.#world.onItsWay -= lost.length;
    this.#laid = [];
    this.#head = 0;
    return lost;
  }

  #arm(): void {
    const first = this.#laid[this.#head];
    if (this.#isArmed || this.#isBlocked || first === undefined) return;
    this.#isArmed = true;
    const { reachesApp, enter } = this.#options;
    const world = this.#world;
    const afterMs = Math.max(0, first.atMs - world.nowMs);
    if (!reachesApp) world.arrive(afterMs, this.#arrive);
    else world.reach(afterMs, enter === undefined ? this.#arrive : () => enter(this.#arrive), first.cause);
  }

  readonly #arrive = (): void => {
    this.#isArmed = false;
    const world = this.#world;
    const isOneByOne = this.#options.reachesApp && this.#options.chunks !== true;
    while (!this.#isBlocked) {
      const first = this.#laid[this.#head];
      if (first === undefined || first.atMs > world.nowMs) break;
      this.#head += 1;
      if (this.#head === this.#laid.length) {
        this.#laid = [];
        this.#head = 0;
      }
      world.onItsWay -= 1;
      world.cause = first.cause;
      this.#options.take(first.item);
      if (isOneByOne) break;
    }
    this.#arm();
  };
}
