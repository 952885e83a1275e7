import type { Client } from './client/client.ts';
import type { GeneratorCore } from './client/generator-context.ts';
import type { Departures } from './departures.ts';

const patienceMs = 2_000;
const pollUs = 10_000;
/** A server that is to answer the closes of a whole crowd in one moment answers none of them for seconds. */
const unansweredMax = 500;

type Closing = Pick<GeneratorCore, 'nowUs' | 'at'> & { readonly measures: { readonly connected: number } };
type Leaving = Pick<Departures, 'leave' | 'unanswered'>;

/** A run ends by these: all clients close, some hundreds at a time, and those that are not answered are given up. */
export class LastCloses {
  readonly #generator: Closing;
  readonly #departures: Leaving;
  readonly #clients: readonly Client[];
  readonly #whenOver: () => void;
  /** All before this one have been asked to leave. */
  #next = 0;
  #asked = 0;
  readonly #connectedFirst: number;
  #connected: number;
  #deadlineUs = 0;
  #unansweredMax = unansweredMax;

  constructor(generator: Closing, departures: Leaving, clients: readonly Client[], whenOver: () => void) {
    this.#generator = generator;
    this.#departures = departures;
    this.#clients = clients;
    this.#whenOver = whenOver;
    this.#connectedFirst = generator.measures.connected;
    this.#connected = this.#connectedFirst;
  }

  begin(): void {
    this.#beginPatience();
    this.#poll();
  }

  #poll(): void {
    const { measures } = this.#generator;
    // As long as answers keep coming, the others are waited for: many closes at once take their time.
    if (measures.connected < this.#connected) {
      this.#connected = measures.connected;
      this.#beginPatience();
    }
    if (this.#generator.nowUs() >= this.#deadlineUs && this.#next < this.#clients.length) {
      // Nobody is answered: whoever has not been asked yet is asked now, all at once.
      this.#unansweredMax = Infinity;
      this.#beginPatience();
    }
    this.#askMore();
    if (measures.connected > 0 && this.#generator.nowUs() < this.#deadlineUs)
      return this.#generator.at(this.#generator.nowUs() + pollUs, () => this.#poll());
    for (const client of this.#clients) if (client.isPresent) this.#departures.unanswered(client, patienceMs);
    this.#whenOver();
  }

  #askMore(): void {
    const answered = this.#connectedFirst - this.#connected;
    for (; this.#next < this.#clients.length; this.#next += 1) {
      if (this.#asked - answered >= this.#unansweredMax) return;
      const client = this.#clients[this.#next] as Client;
      if (client.isPresent) this.#asked += 1;
      this.#departures.leave(client, 1000);
    }
  }

  #beginPatience(): void {
    this.#deadlineUs = this.#generator.nowUs() + patienceMs * 1_000;
  }
}
