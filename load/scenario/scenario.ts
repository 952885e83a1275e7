import type { App, Clock } from 'channelbox';
import type { Faker } from './faker.ts';
import type { Adapter, ClientPlace } from './adapter/adapter.ts';
import type { AdapterName } from './adapter/known.ts';
import type { Chaos } from './chaos.ts';
import type { Duration } from '../../src/internal.ts';
import type { Rooms } from './rooms.ts';
import type { Schedule } from './schedule.ts';
import type { Stage } from './stages.ts';

/**
 * A scenario is a load, as plain data and a few functions. It is imported by every generator process, so it must not
 * depend on who imports it.
 */
export interface Scenario {
  name?: string;
  /** Everything random comes from it. Default 1. */
  seed?: number;
  /** `ws://…`; several: room i lives on target i mod n. The command line wins (`--target` may be repeated). */
  target?: string | readonly string[];
  /** What `--inproc` runs. */
  app?: (env: { clock: Clock; random: () => number }) => App;
  /** A number is held for `duration`. Stages are plain data, made by `rampTo`, `hold`, `spike` and `churn`. */
  clients: number | readonly Stage[];
  /** Default 30 s. */
  duration?: Duration;
  /** Default `oneRoom()`. */
  rooms?: Rooms;
  /** Clients that speak: a share of each room (0…1, at least one where above 0) or, above 1, a count over all rooms; default all. */
  speakers?: number;
  /** Publishes of each speaker, from its join on, at a seeded phase. Default `constant(1)`; `speakers: 0` only holds sockets open. */
  schedule?: Schedule;
  payload?: (context: { faker: Faker; room: string; sender: number; sequence: number }) => unknown;
  /** Default `'echo'`. */
  adapter?: Adapter | AdapterName;
  /** PEM, or a file's path. `insecure` believes any certificate, and the report says so. */
  tls?: TlsSettings;
  /** Offers permessage-deflate. Default false. */
  compression?: boolean;
  /** From dialling to the upgrade's answer; default 30 s. */
  connectTimeout?: Duration;
  /**
   * What a client does that was dropped; default: it stays away. It waits for `backoff`, twice as long after each attempt that
   * fails, to 30 s at most, less a random part of up to `jitter` of it (0…1, default 0.5); `attempts` for each drop, default
   * without end.
   */
  reconnects?: { backoff: Duration; jitter?: number; attempts?: number };
  /** Before a client connects: a login, say. What it resolves to is `client.prepared`; its time and failures are reported apart. */
  prepare?(client: ClientPlace): Promise<unknown>;
  /** Of `prepare`; default 50 at once. */
  prepareConcurrency?: number;
  chaos?: readonly Chaos[];
  /** `'fanout.p99 < 50ms'`, `'lost == 0'`, `'connect.p95 < 1s over 10s abort'`. */
  thresholds?: readonly string[];
  /** Messages intended in it count neither in latency nor in the ledger. Default 0. */
  warmup?: Duration;
  /** How long a delivery may take, from the actual send, before it counts as lost; default 10 s. */
  deadline?: Duration;
  /** In place of `schedule`: what one client does, from open to close. */
  client?: (client: LoadClient) => Promise<void>;
}

/** What TLS takes: each PEM, or a file's path. */
export interface TlsSettings {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  servername?: string | undefined;
  insecure?: boolean;
}

/** One client in the hands of a scenario's `client` function: it is open and joined. */
export interface LoadClient extends ClientPlace {
  /** Sends one message with the next stamp; resolves once it is handed to the socket. */
  publish(payload?: unknown): Promise<void>;
  /** Resolves when this client has had so many deliveries since it joined; rejects after `within` (default: the deadline). */
  received(count: number, options?: { within?: Duration }): Promise<void>;
  /** Waits, on the run's clock. */
  sleep(ms: Duration): Promise<void>;
  /** Leaves now. A function that returns without it stays, silent, to the end of the run. */
  close(code?: number): Promise<void>;
}

/** Gives a scenario its types. It is checked when it is run. */
export function defineLoad(scenario: Scenario): Scenario {
  return scenario;
}

/** Keys that the command line puts in place of the scenario's. Plain data, since it goes to other processes. */
export type ScenarioOverrides = {
  -readonly [
    Key in
      | 'name'
      | 'seed'
      | 'clients'
      | 'duration'
      | 'rooms'
      | 'speakers'
      | 'schedule'
      | 'chaos'
      | 'thresholds'
      | 'warmup'
      | 'deadline'
      | 'tls'
      | 'compression'
      | 'connectTimeout'
      | 'reconnects'
      | 'prepareConcurrency'
  ]?: Scenario[Key];
} & {
  target?: string | readonly string[];
  adapter?: AdapterName;
  /** Messages a second of each speaker, in place of those of the schedule, whose kind stays. */
  perSecond?: number;
};
