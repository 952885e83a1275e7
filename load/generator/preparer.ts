import { describeThrown } from '../thrown.ts';
import type { Client } from './client/client.ts';
import type { GeneratorCore } from './client/generator-context.ts';

export interface PreparerEvents {
  ready(client: Client): void;
  failed(client: Client, kind: string, message: string): void;
}

/** Runs the scenario's `prepare` for each client before it connects, not too many at once; what it takes is a figure of its own. */
export class Preparer {
  readonly #generator: GeneratorCore;
  readonly #events: PreparerEvents;
  readonly #atOnce: number;
  #waiting: Client[] = [];
  readonly #running: Set<Client> = new Set();

  constructor(generator: GeneratorCore, events: PreparerEvents) {
    this.#generator = generator;
    this.#events = events;
    const { plan, process } = generator.options;
    const { prepareConcurrency } = plan.scenario;
    // The processes share what is allowed at once; each has one at least.
    const share = Math.floor(prepareConcurrency / plan.processes);
    this.#atOnce = Math.max(1, share + (process < prepareConcurrency % plan.processes ? 1 : 0));
  }

  get isQuiet(): boolean {
    return this.#waiting.length === 0 && this.#running.size === 0;
  }

  enqueue(client: Client): void {
    this.#waiting.push(client);
    this.#next();
  }

  forget(client: Client): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting !== client);
  }

  /** The run is over: who waits for its turn, or has not been heard of. */
  abandon(): readonly Client[] {
    const left = [...this.#waiting, ...this.#running];
    this.#waiting = [];
    this.#running.clear();
    return left;
  }

  #next(): void {
    while (this.#running.size < this.#atOnce && this.#generator.phase === 'running') {
      const client = this.#waiting.shift();
      if (client === undefined) return;
      void this.#prepare(client);
    }
  }

  async #prepare(client: Client): Promise<void> {
    const generator = this.#generator;
    this.#running.add(client);
    const beginUs = generator.nowUs();
    let failure: PrepareFailure | undefined;
    try {
      const prepared = await generator.options.plan.scenario.prepare?.(client);
      failure = failedAnswer(prepared);
      client.prepared = prepared;
    } catch (error) {
      failure = failureOf(error);
    }
    // Who was abandoned meanwhile has been counted.
    if (!this.#running.delete(client)) return;
    generator.measures.prepare.recordUs(generator.nowUs() - beginUs);
    if (failure === undefined) {
      client.isPrepared = true;
      this.#events.ready(client);
    } else {
      const message = `client ${client.index} of ${client.room} could not be prepared: ${failure.message}`;
      this.#events.failed(client, failure.status === undefined ? 'prepare' : `prepare-${failure.status}`, message);
    }
    this.#next();
  }
}

interface PrepareFailure {
  readonly status: number | undefined;
  readonly message: string;
}

/** A `Response` that says no, which `fetch` does not throw. */
function failedAnswer(prepared: unknown): PrepareFailure | undefined {
  if (!(prepared instanceof Response) || prepared.ok) return undefined;
  return answeredWith(prepared.status, prepared.statusText);
}

function failureOf(error: unknown): PrepareFailure {
  if (error instanceof Response) return answeredWith(error.status, error.statusText);
  const { status, statusCode, response } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const nested = (response as { readonly status?: unknown } | undefined)?.status;
  const known = [status, statusCode, nested].find(isStatus);
  const message = describeThrown(error);
  return { status: known, message: known === undefined ? message : `answered ${known}: ${message}` };
}

function isStatus(value: unknown): value is number {
  return typeof value === 'number' && value >= 100 && value < 600;
}

function answeredWith(status: number, text: string): PrepareFailure {
  return { status, message: `answered ${status}${text === '' ? '' : ` ${text}`}` };
}
