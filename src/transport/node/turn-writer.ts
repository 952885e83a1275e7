import type { Turn } from '../../time/turn.ts';
import { FrameRun } from './frame-run.ts';
import type { EncodeCounts } from './encode.ts';

export interface TransportCounts extends EncodeCounts {
  /** Writes handed to a socket for data frames. */
  writes: number;
}

/** A socket that has sent something in this turn. */
interface Sending {
  endTurn(): void;
}

export interface DispatchOptions {
  readonly joins: boolean;
  readonly forcesWs: boolean;
}

/**
 * The sockets of one transport share this in sending: the turn's frames, whose turn has to be ended, and the counts.
 */
export class TurnWriter {
  readonly counts: TransportCounts = { framings: 0, deflates: 0, writes: 0 };
  readonly joins: boolean;
  readonly forcesWs: boolean;
  /** Whether ws's insides are as expected: seen at its first socket. */
  writesRaw: boolean | undefined = undefined;
  readonly #turn: Turn;
  #sending: Sending[] = [];
  #plain = FrameRun.root();
  #deflating = FrameRun.root();

  constructor(turn: Turn, { joins, forcesWs }: DispatchOptions) {
    this.#turn = turn;
    this.joins = joins;
    this.forcesWs = forcesWs;
  }

  /** Where a socket stands that has sent nothing in this turn. */
  start(deflates: boolean): FrameRun {
    return deflates ? this.#deflating : this.#plain;
  }

  /** Once a turn for each socket, with the first that it sends. */
  add(sending: Sending): void {
    if (this.#sending.push(sending) === 1) this.#turn.atEnd(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const ended = this.#sending;
    this.#sending = [];
    this.#plain = FrameRun.root();
    this.#deflating = FrameRun.root();
    for (const sending of ended) sending.endTurn();
  };
}
