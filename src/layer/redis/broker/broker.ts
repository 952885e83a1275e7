/**
 * The contract stands between the layer's logic and the broker that it runs on: one connection for commands, one for
 * pushes. `redis-broker.ts` is a Redis behind it; a broker that loses, doubles and forgets on purpose is another, in the
 * tests.
 *
 * What the logic relies on: commands of one connection are executed in the order in which they are called, each alone;
 * pushes of one connection come in the order of execution; a connection that is lost says so once, and rejects what is
 * under way with `BrokerLost`; nothing is ever sent again by the connection itself, and nothing of one that was given up is
 * executed any more once the next one for commands is there.
 */

export type BrokerReply = null | number | string | Buffer | readonly BrokerReply[];

/** The scripts of `script.ts`: each is one command to the broker, executed as a whole or not at all. */
export type ScriptName =
  | 'publish'
  | 'again'
  | 'read'
  | 'check'
  | 'roster'
  | 'lease'
  | 'sweep'
  | 'members'
  | 'groups'
  | 'order'
  | 'flush';

export type ScriptArgument = string | number | Buffer;

/** What a fresh connection learned of the server at its other end. */
export interface BrokerFacts {
  /** Of this start of the server; empty where it may not be asked. */
  readonly runId: string;
  /** What in its settings threatens the layer's promises, one line each. */
  readonly warnings: readonly string[];
}

export interface BrokerEvents {
  pushed(channel: string, payload: Buffer): void;
  /** Once, unless the connection was closed from this side. */
  lost(error: Error): void;
}

export interface BrokerConnection {
  readonly facts: BrokerFacts;
  /** @throws {BrokerRefusal} for an error reply; {BrokerLost} where the connection went meanwhile */
  run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<BrokerReply>;
  /** @returns how many connections it was pushed to */
  publish(channel: string, payload: Buffer): Promise<number>;
  /** Keys that begin and end so. */
  keys(start: string, end: string): Promise<string[]>;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  close(): void;
}

export type BrokerPurpose = 'commands' | 'pushes';

export interface Broker {
  /** A new connection each time; it rejects within the time that one attempt may take. */
  connect(purpose: BrokerPurpose, events: BrokerEvents): Promise<BrokerConnection>;
}

/** The broker said no, before anything was written. */
export class BrokerRefusal extends Error {
  override readonly name: string = 'BrokerRefusal';

  /** Whether it is the server's state that refuses, so that another one may have to be found. */
  get isOfServer(): boolean {
    return /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOAUTH)\b/.test(this.message);
  }
}

/** The connection went; what was under way may or may not have been executed. */
export class BrokerLost extends Error {
  override readonly name: string = 'BrokerLost';
}

export function textOf(reply: BrokerReply | undefined): string {
  if (reply === undefined || reply === null) return '';
  return Buffer.isBuffer(reply) ? reply.toString() : String(reply);
}

export function numberOf(reply: BrokerReply | undefined): number {
  return Number(textOf(reply));
}

export function listOf(reply: BrokerReply | undefined): readonly BrokerReply[] {
  return Array.isArray(reply) ? (reply as readonly BrokerReply[]) : [];
}
