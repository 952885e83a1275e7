import { seeded } from '../../src/internal.ts';
import type { ClientStep } from '../plan/timeline.ts';
import type { Client } from './client/client.ts';
import type { GeneratorCore } from './client/generator-context.ts';

/** Connects that wait for their answer at one time; more wait for their turn. */
const inFlightMax = 256;
const answerPatienceUs = 30e6;
const backoffMsMax = 30_000;
const returnStream = 5;

interface Return {
  readonly random: () => number;
  backoffMs: number;
  failures: number;
}

/** Opens connections, not too many at a time, and brings back those that a storm cut off. */
export class Connector {
  readonly #generator: GeneratorCore;
  readonly #retire: (client: Client) => void;
  readonly #returns: Map<Client, Return> = new Map();
  #waiting: Client[] = [];
  #inFlight: number = 0;

  /** `retire` is told of a client that begins anew. */
  constructor(generator: GeneratorCore, retire: (client: Client) => void) {
    this.#generator = generator;
    this.#retire = retire;
  }

  /** Nobody waits for a turn or an answer. */
  get isQuiet(): boolean {
    return this.#inFlight === 0 && this.#waiting.length === 0;
  }

  step(step: ClientStep): void {
    const client = this.#generator.client(step.client) as Client;
    if (step.kind === 'connect') return this.#enqueue(client);
    if (step.kind === 'replace') {
      if (client.state !== 'joined' && client.state !== 'open') return;
      client.returns = 'replaced';
      return this.#generator.leave(client, 1000);
    }
    client.returns = undefined;
    client.isUnwanted = true;
    this.#returns.delete(client);
    this.#waiting = this.#waiting.filter((waiting) => waiting !== client);
    this.#generator.leave(client, 1000);
  }

  /** A storm cuts the client off; it comes back after a random part of the backoff. */
  cutOff(client: Client, backoffMs: number): void {
    const { seed } = this.#generator.options.plan.scenario;
    client.returns = 'storm';
    this.#returns.set(client, { random: seeded(seed, returnStream, client.index), backoffMs, failures: 0 });
    this.#generator.leave(client, 'vanish');
  }

  /** Its connection has ended, as was wanted. */
  comeBack(client: Client): void {
    if (client.returns === 'replaced') return this.#enqueue(client);
    const plan = this.#returns.get(client);
    if (plan === undefined) return;
    const generator = this.#generator;
    generator.at(generator.nowUs() + plan.backoffMs * 1_000 * plan.random(), () => {
      if (generator.phase === 'running' && this.#returns.get(client) === plan) this.#enqueue(client);
    });
    plan.backoffMs = Math.min(backoffMsMax, plan.backoffMs * 2);
  }

  opened(client: Client): void {
    if (client.returns !== undefined) this.#generator.measures.returned += 1;
    client.returns = undefined;
    this.#returns.delete(client);
    this.#answered();
  }

  refused(client: Client, kind: string, message: string): void {
    const generator = this.#generator;
    client.state = 'idle';
    generator.measures.error(kind, message);
    const plan = this.#returns.get(client);
    if (plan === undefined || generator.phase !== 'running') this.#count(client);
    else {
      plan.failures += 1;
      this.comeBack(client);
    }
    this.#answered();
  }

  /** The run is over. Who still waits for a turn, or was turned away on its return, was refused. */
  abandon(): void {
    for (const client of this.#waiting) {
      this.#generator.measures.error(
        'no-turn',
        `client ${client.index} was not connected before the run was over: the server answers too slowly`,
      );
      this.#count(client);
    }
    this.#waiting = [];
    for (const [client, { failures }] of this.#returns)
      if (failures > 0 && client.state === 'idle') this.#count(client);
  }

  /** Gives up on those that have waited for their answer for too long. Asked every second: a timer for each client would cost memory. */
  sweep(): void {
    if (this.#inFlight === 0) return;
    const beforeUs = this.#generator.nowUs() - answerPatienceUs;
    for (const client of this.#generator.clients) {
      if (client.state === 'connecting' && client.attemptUs < beforeUs) client.connection?.terminate();
    }
  }

  /** The drain is over: an answer that has not come by now does not come. */
  giveUp(): void {
    for (const client of this.#generator.clients) {
      if (client.state !== 'connecting') continue;
      client.state = 'idle';
      this.#generator.measures.error(
        'no-answer',
        `client ${client.index} had no answer to its upgrade when the run was over`,
      );
      this.#count(client);
      client.connection?.terminate();
    }
  }

  #count(client: Client): void {
    client.returns = undefined;
    this.#returns.delete(client);
    this.#generator.measures.total.intended += 1;
    this.#generator.measures.total.refused += 1;
  }

  #enqueue(client: Client): void {
    if (client.state === 'connecting' || client.isPresent) return;
    this.#waiting.push(client);
    this.#dialNext();
  }

  #answered(): void {
    this.#inFlight -= 1;
    this.#dialNext();
  }

  #dialNext(): void {
    if (this.#generator.phase !== 'running') return;
    while (this.#inFlight < inFlightMax && this.#waiting.length > 0) this.#dial(this.#waiting.shift() as Client);
  }

  #dial(client: Client): void {
    const generator = this.#generator;
    const { targets, localAddresses, plan, dial } = generator.options;
    const { adapter } = plan.scenario;
    this.#inFlight += 1;
    if (client.hasPresence) this.#retire(client);
    const nowUs = generator.nowUs();
    client.begin(nowUs);
    const target = targets[client.roomIndex % targets.length] as { url: string; address: string };
    try {
      client.connection = dial(
        {
          url: new URL(adapter.path(client), target.url),
          address: target.address,
          localAddress: localAddresses.length === 0 ? undefined : localAddresses[client.index % localAddresses.length],
          subprotocols: adapter.subprotocols?.length === 0 ? undefined : adapter.subprotocols,
          headers: adapter.headers?.(client),
        },
        client,
      );
    } catch (error) {
      return generator.fail(error);
    }
  }
}
