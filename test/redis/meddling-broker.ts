import {
  BrokerLost,
  type Broker,
  type BrokerConnection,
  type BrokerEvents,
  type BrokerPurpose,
} from '../../src/layer/redis/broker/broker.ts';

/** A real Redis behind one node's connections, on which pushes are lost, doubled and repeated, or nothing passes, when a test says so. */
export class MeddlingBroker implements Broker {
  /** So many pushes of groups are lost on their way; so many come twice. */
  dropNext: number = 0;
  repeatNext: number = 0;
  /** Nothing passes either way, and nobody is told. */
  isCut: boolean = false;
  readonly #inner: Broker;
  readonly #first = new Map<string, Buffer>();
  readonly #open = new Set<BrokerConnection>();
  #ear: { readonly events: BrokerEvents; isDeaf: boolean } | undefined;
  #isDead = false;

  constructor(inner: Broker) {
    this.#inner = inner;
  }

  async connect(purpose: BrokerPurpose, events: BrokerEvents): Promise<BrokerConnection> {
    if (this.#isDead || this.isCut) throw new BrokerLost('nothing gets there');
    const ear = { events, isDeaf: false };
    if (purpose === 'pushes') this.#ear = ear;
    const inner = await this.#inner.connect(purpose, {
      lost: (error) => {
        if (!this.isCut) events.lost(error);
      },
      pushed: (channel, payload) => {
        if (!ear.isDeaf && !this.isCut) this.#passOn(events, channel, payload);
      },
    });
    this.#open.add(inner);
    return this.#guarded(inner);
  }

  /** From here on the present subscribe connection hears nothing; the next one is well. */
  deafen(): void {
    if (this.#ear !== undefined) this.#ear.isDeaf = true;
  }

  /** The first message of this channel that was ever heard comes once more. */
  replay(channel: string): void {
    const payload = this.#first.get(channel);
    if (payload !== undefined) this.#ear?.events.pushed(channel, payload);
  }

  /** As when its process is killed: both connections end, and none is made again. */
  die(): void {
    this.#isDead = true;
    for (const connection of this.#open) connection.close();
  }

  #passOn(events: BrokerEvents, channel: string, payload: Buffer): void {
    if (payload.toString('latin1', 0, 2) === '1M') {
      if (!this.#first.has(channel)) this.#first.set(channel, payload);
      if (this.dropNext > 0) {
        this.dropNext -= 1;
        return;
      }
      if (this.repeatNext > 0) {
        this.repeatNext -= 1;
        events.pushed(channel, payload);
      }
    }
    events.pushed(channel, payload);
  }

  #guarded(inner: BrokerConnection): BrokerConnection {
    const unanswered = new Set<(error: Error) => void>();
    const pass = <T>(ask: () => Promise<T>): Promise<T> =>
      this.isCut ? new Promise<T>((_, reject) => unanswered.add(reject)) : ask();
    return {
      facts: inner.facts,
      run: (script, keys, args) => pass(() => inner.run(script, keys, args)),
      publish: (channel, payload) => pass(() => inner.publish(channel, payload)),
      keys: (start, end) => pass(() => inner.keys(start, end)),
      subscribe: (channels) => pass(() => inner.subscribe(channels)),
      unsubscribe: (channels) => pass(() => inner.unsubscribe(channels)),
      close: () => {
        this.#open.delete(inner);
        inner.close();
        for (const reject of unanswered) reject(new BrokerLost('the connection was closed'));
      },
    };
  }
}
