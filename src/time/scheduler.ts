import type { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { Turn } from './turn.ts';

/** An app and its box lend this to all their sockets and channels: one clock, one timer, one notion of a turn. */
export class Scheduler {
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

  useClock(clock: Clock): void {
    this.#clock = clock;
    this.deadlines.useClock(clock);
    this.turn.useClock(clock);
  }
}
