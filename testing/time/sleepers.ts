// Kept from before fake timers can replace them: patience is real.
const { setTimeout, clearTimeout } = globalThis;

/** A sleep that the test's own body awaits. */
export interface Sleeper {
  refuse(): void;
}

const patienceMs = 1_000;

/** Sleeps of the test's own body that nobody will end: they are told after a while in which nothing moves the clock. */
export class Sleepers {
  readonly #sleepers = new Set<Sleeper>();
  #isHeld = false;
  #timer: NodeJS.Timeout | undefined;

  /** @returns how to forget it again */
  add(sleeper: Sleeper): () => void {
    this.#sleepers.add(sleeper);
    this.#arm();
    return () => this.#sleepers.delete(sleeper);
  }

  clear(): void {
    this.#sleepers.clear();
    this.#disarm();
  }

  /** The clock may move: nobody is told meanwhile. */
  hold(): void {
    this.#isHeld = true;
    this.#disarm();
  }

  release(): void {
    this.#isHeld = false;
    if (this.#sleepers.size > 0) this.#arm();
  }

  #arm(): void {
    if (this.#isHeld) return;
    this.#disarm();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const sleepers = [...this.#sleepers];
      this.#sleepers.clear();
      for (const sleeper of sleepers) sleeper.refuse();
    }, patienceMs);
  }

  #disarm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
