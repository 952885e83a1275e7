/** Conditions and checkers see this of a run: its history, its nodes, its clients. */
import type { App } from '../../../src/index.ts';
import type { SimClient } from './client.ts';
import type { Fault, System } from './system.ts';

/** What conditions and checkers see of a run. */
export interface SimView<S extends System = System> {
  /** Virtual milliseconds since the run began. */
  readonly now: number;
  /** Of the first node that is up. */
  readonly system: S;
  /** Those that are up. */
  readonly nodes: readonly { readonly name: string; readonly app: App; readonly system: S; readonly boots: number }[];
  readonly clients: readonly SimClient[];
  /** Names of the clients whose connection is a member, on all nodes, as the framework has it. May be taken apart from the view, as all of it. */
  readonly members: (group: string) => readonly string[];
  readonly reached: (label: string) => boolean;
  readonly history: readonly SimEvent[];
}

/** What happened, in order; `t` is virtual milliseconds. The load kit writes the same, so that checkers read real runs too. */
export type SimEvent = { readonly t: number } & (
  | {
      readonly e: 'connect' | 'open' | 'accepted' | 'drop';
      readonly c: string;
      readonly conn: number;
      readonly node?: string;
    }
  | { readonly e: 'denied'; readonly c: string; readonly conn: number; readonly status: number }
  | {
      readonly e: 'send' | 'recv';
      readonly c: string;
      readonly conn: number;
      readonly text: string;
      readonly stamps: readonly string[];
      /** Of the `deliver` that it came by. */
      readonly of?: number;
    }
  /** The client's end · the server's end · the server begins to close. */
  | { readonly e: 'close' | 'gone' | 'serverClose'; readonly c: string; readonly conn: number; readonly code: number }
  | {
      readonly e: 'join' | 'leave';
      readonly node: string;
      readonly c: string;
      readonly conn: number;
      readonly group: string;
    }
  | {
      readonly e: 'deliver';
      readonly no: number;
      readonly node: string;
      readonly group: string;
      readonly stamps: readonly string[];
      readonly members: readonly string[];
      readonly position?: { readonly epoch: string; readonly offset: number };
      /** The connections that the members are on. */
      readonly conns?: readonly number[];
      /** Members whom the app itself told that they do not get it: too slow, or closed. */
      readonly denied?: readonly string[];
    }
  | { readonly e: 'error'; readonly node: string; readonly c?: string; readonly text: string }
  | { readonly e: 'fault'; readonly fault: Fault; readonly c?: string; readonly node?: string }
  | { readonly e: 'boot' | 'crash'; readonly node: string }
  | { readonly e: 'heal' | 'rest' }
);

/** Reads a run when it is over, and says what in it must not be. */
export interface Checker {
  readonly name: string;
  /** `rest`: after healing, when nothing is on its way, before anything expires. Default `end`: after `settleMs`. */
  readonly when?: 'rest' | 'end';
  /** Reads one run. `checked`: how many cases it looked at; 0 over all runs is `report.vacuous`. */
  check(run: SimView): {
    readonly checked: number;
    readonly fault?: {
      readonly message: string;
      /** The fewest events that show it. */
      readonly witness: readonly SimEvent[];
    };
  };
}
