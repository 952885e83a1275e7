import type { Position } from '../../layer.ts';

export interface Marked {
  readonly id: string;
  /** True when it has come, false when the connection that it was to come by is gone, or was not there. */
  readonly here: Promise<boolean>;
  forget(): void;
}

/** Marks that come back on the subscribe connection: what was pushed to this node before one is here when it is. */
export class Markers {
  readonly #expected = new Map<string, (position: Position | undefined) => void>();
  #ids = 0;
  /** Whether there is a subscribe connection: what is expected without one never comes, and nobody would say so. */
  #isHeard = false;

  expect(): Marked {
    return this.expectAt(() => {});
  }

  /** @param onHere is called at the moment when it comes, before anything that was pushed later */
  expectAt(onHere: (position: Position) => void): Marked {
    this.#ids += 1;
    const id = String(this.#ids);
    const here = new Promise<boolean>((resolve) => {
      if (!this.#isHeard) return resolve(false);
      this.#expected.set(id, (position) => {
        if (position !== undefined) onHere(position);
        resolve(position !== undefined);
      });
    });
    return { id, here, forget: () => void this.#expected.delete(id) };
  }

  /** What was forgotten meanwhile comes for nothing. */
  came(id: string, position: Position): void {
    const expected = this.#expected.get(id);
    this.#expected.delete(id);
    expected?.(position);
  }

  /** A subscribe connection is there. */
  heard(): void {
    this.#isHeard = true;
  }

  lost(): void {
    this.#isHeard = false;
    const all = [...this.#expected.values()];
    this.#expected.clear();
    for (const expected of all) expected(undefined);
  }
}
