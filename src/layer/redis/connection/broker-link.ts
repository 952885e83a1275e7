import type { Clock, Timer } from '../../../time/clock.ts';
import { BrokerLost, BrokerRefusal, type Broker, type BrokerConnection, type BrokerPurpose } from '../broker/broker.ts';

/** Whom a link tells what became of it. */
export interface LinkOwner {
  clock(): Clock;
  /** 0 up to 1, for the jitter. */
  random(): number;
  /** A connection is there; what has to be said on it first. Where it rejects, the connection is given up. */
  greet(connection: BrokerConnection): Promise<void>;
  up(connection: BrokerConnection): void;
  /** An attempt failed, or what was up is gone. */
  down(error: Error, wasUp: boolean): void;
  pushed(channel: string, payload: Buffer): void;
}

const firstDelayMs = 50;
const delayMsMax = 2_000;
/** What lived shorter is a connection that was made for nothing. */
const livedMsMin = 100;
/** So many of them in a row are a server that can be reached and is of no use. */
const briefMax = 24;

/** One connection to the broker is kept up: a new one each time, after pauses that double up to two seconds. */
export class BrokerLink {
  connection: BrokerConnection | undefined = undefined;
  readonly #broker: Broker;
  readonly #purpose: BrokerPurpose;
  readonly #owner: LinkOwner;
  /** Of the present attempt; what an older one says is nothing any more. */
  #attempt = 0;
  #failures = 0;
  #brief = 0;
  #upSinceMs = 0;
  #opening: BrokerConnection | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(broker: Broker, purpose: BrokerPurpose, owner: LinkOwner) {
    this.#broker = broker;
    this.#purpose = purpose;
    this.#owner = owner;
  }

  start(): void {
    void this.#connect();
  }

  /** Gives the connection up and makes a new one. */
  replace(error: Error): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#fail(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#attempt += 1;
    if (this.#timer !== undefined) this.#owner.clock().clearTimeout(this.#timer);
    this.#opening?.close();
    this.connection?.close();
    this.connection = undefined;
  }

  async #connect(): Promise<void> {
    this.#timer = undefined;
    this.#attempt += 1;
    const attempt = this.#attempt;
    const isOld = (): boolean => this.#attempt !== attempt;
    try {
      const connection = await this.#broker.connect(this.#purpose, {
        pushed: (channel, payload) => {
          if (!isOld()) this.#owner.pushed(channel, payload);
        },
        lost: (error) => {
          if (!isOld()) this.#fail(error);
        },
      });
      if (isOld()) return connection.close();
      this.#opening = connection;
      await this.#owner.greet(connection);
      if (isOld()) return connection.close();
      this.#opening = undefined;
      this.connection = connection;
      this.#upSinceMs = this.#owner.clock().monotonic();
      this.#owner.up(connection);
    } catch (error) {
      if (!isOld()) this.#fail(error instanceof Error ? error : new BrokerLost(String(error)));
    }
  }

  #fail(error: Error): void {
    this.#attempt += 1;
    const { connection } = this;
    const opening = this.#opening;
    const clock = this.#owner.clock();
    this.connection = undefined;
    opening?.close();
    this.#opening = undefined;
    connection?.close();
    this.#rate(error, opening !== undefined || connection !== undefined);
    const jitter = 0.5 + this.#owner.random();
    const delayMs = Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(this.#failures, 10) * jitter);
    this.#timer = clock.setTimeout(() => void this.#connect(), delayMs, `redis ${this.#purpose}`);
    this.#owner.down(error, connection !== undefined);
  }

  /** A connection that was cut is made again soon; a server that is not there, or refuses, less and less often. */
  #rate(error: Error, wasReached: boolean): void {
    const hasLived = this.connection === undefined && this.#owner.clock().monotonic() - this.#upSinceMs >= livedMsMin;
    this.#brief = wasReached && !hasLived ? this.#brief + 1 : 0;
    const isCut = wasReached && !(error instanceof BrokerRefusal) && this.#brief < briefMax;
    this.#failures = isCut ? 0 : this.#failures + 1;
  }
}
