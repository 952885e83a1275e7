import type { Position } from '../../layer.ts';

interface PlaceWaiter {
  /** How many there had been when it came. */
  readonly number: number;
  position: Position;
  readonly run: PlaceRun;
}

/** @param isReached false where something between is lost: what follows does not follow on that place */
export type PlaceRun = (isReached: boolean) => void;

/** Places in a group wait until everything up to them has been delivered; each is told before anything newer is. */
export class Places {
  readonly #waiters: PlaceWaiter[] = [];
  /** How many have ever waited. */
  waited: number = 0;

  add(position: Position, run: PlaceRun): void {
    this.waited += 1;
    this.#waiters.push({ number: this.waited, position, run });
  }

  /**
   * Those whose place is reached; and with what comes next, those whose place it would pass.
   *
   * Of a place in another epoch neither says anything: what an epoch that is over has left on the way comes behind a
   * page that was read in the next one already, and is no sign that this one is reached.
   */
  move(cursor: Position | undefined, next?: Position): void {
    if (this.#waiters.length === 0) return;
    this.#take(({ position }) => {
      if (hasReached(cursor, position)) return 'reached';
      return position.epoch === next?.epoch && position.offset < next.offset ? 'passed' : 'ahead';
    });
  }

  /** Those among the first so many whose place is in another epoch than the one in which history has been read since. */
  passOver(waited: number, epoch: string | undefined): void {
    this.#take(({ number, position }) => (number <= waited && position.epoch !== epoch ? 'passed' : 'ahead'));
  }

  /** The numbers of an epoch that was trimmed go on in the next one: up to its end, a place in it is one in both. */
  carryOver(previous: Position, epoch: string): void {
    for (const waiter of this.#waiters) {
      const { position } = waiter;
      if (position.epoch !== previous.epoch || position.offset > previous.offset) continue;
      waiter.position = { epoch, offset: position.offset };
    }
  }

  hasOther(epoch: string | undefined): boolean {
    return this.#waiters.some(({ position }) => position.epoch !== epoch);
  }

  end(): void {
    this.#take(() => 'reached');
  }

  #take(lookAt: (waiter: PlaceWaiter) => 'reached' | 'passed' | 'ahead'): void {
    for (let index = 0; index < this.#waiters.length;) {
      const waiter = this.#waiters[index] as PlaceWaiter;
      const found = lookAt(waiter);
      if (found === 'ahead') index += 1;
      else {
        this.#waiters.splice(index, 1);
        waiter.run(found === 'reached');
      }
    }
  }
}

export function hasReached(cursor: Position | undefined, position: Position): boolean {
  return cursor !== undefined && cursor.epoch === position.epoch && cursor.offset >= position.offset;
}
