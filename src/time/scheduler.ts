import type { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { Turn } from './turn.ts';

/** What an app and its box lend to all their sockets and channels: one clock, one timer, one notion of a turn. */
export class Keeping {
  #clock: Clock;
  readonly deadlines: Deadlines;
  readonly turn: Turn;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.deadlines = new Deadlines(clock);
    this.turn = new Turn(clock);
  }

  get clock(): Clock {
    return this.#clock;
  }

  adopt(clock: Clock): void {
    this.#clock = clock;
    this.deadlines.adopt(clock);
    this.turn.adopt(clock);
  }
}
