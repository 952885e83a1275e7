import type { Box } from '../channel/box.ts';
import type { AppView, Limits, Params } from '../api.ts';
import type { Tally } from '../protocol/counters.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { Denial, Probe, ProbedConnection } from '../probe.ts';
import type { Watch } from '../promise.ts';
import type { Upgrade } from '../transport/transport.ts';
import type { SocketState } from './state.ts';

/** A socket as the stores of its app see it. */
export interface StoreOwner {
  /**
   * Kept by the stores. −2: it may have bytes that wait for its peer, or a handshake that is not answered; from 0 on: the
   * last turn in which a wire wrote that tells of what stays behind; −1: neither.
   */
  listedIn: number;
  readonly phase: SocketState;
  readonly bufferedBytes: number;
  readonly upgrade: Upgrade;
}

/** Where a socket says what it holds, so that the app need not ask all of them. */
export interface SocketStores {
  /** So many more bytes wait for handlers, or fewer. */
  hold(bytes: number): void;
  /** It was written to. */
  wrote(owner: StoreOwner): void;
  /** It was written to by a wire that tells, once the turn is over, whether something stays behind. */
  writing(owner: StoreOwner): void;
  /** It was let in. */
  admit(owner: StoreOwner): void;
}

/** A socket needs this of its app. */
export interface SocketHost {
  readonly view: AppView;
  readonly box: Box;
  readonly scheduler: Scheduler;
  probe: Probe | undefined;
  readonly counters: Tally;
  readonly stores: SocketStores;
  /** Behind the proxies that are trusted. */
  clientOf(upgrade: Upgrade): { readonly host: string; readonly port: number };
  denied(socket: ProbedConnection, denial: Denial, status: number): void;
  /** The client left before it was answered. */
  left(socket: ProbedConnection): void;
  /** It can no longer be written to or read from. */
  ended(socket: ProbedConnection): void;
  /** For what is no error of the app: seen at level debug. */
  note(socket: ProbedConnection, what: string, error: Error): void;
  /** A stranger caused it: seen at level info. */
  refusedInput(socket: ProbedConnection, error: unknown, hook: string): void;
  /** An error of the app's own code that no promise carries. */
  report(socket: ProbedConnection, error: unknown, hook: string): void;
  /** For a call of the app on this socket that fails. */
  watch(socket: ProbedConnection, call: string): Watch;
}

/** What a socket is made of: a request, and where it leads. */
export interface SocketRequest {
  readonly upgrade: Upgrade;
  readonly route: string | undefined;
  readonly params: Params;
  readonly limits: Limits;
}
