import { seeded } from '../../src/internal.ts';
import type { Client } from './client/client.ts';
import type { GeneratorCore } from './client/generator-context.ts';

const backoffMsMax = 30_000;
const returnStream = 5;

interface Return {
  readonly cause: 'storm' | 'dropped';
  readonly random: () => number;
  readonly sinceUs: number;
  /** Of the connection that was dropped. */
  readonly code: number;
  backoffMs: number;
  failures: number;
}

/**
 * Brings clients back: those that a storm cut off, and, where the scenario says so, those that were dropped. Each waits for
 * its backoff, which doubles with each attempt that fails.
 */
export class Returns {
  readonly #generator: GeneratorCore;
  readonly #dial: (client: Client) => void;
  readonly #plans: Map<Client, Return> = new Map();
  readonly #drops: Map<number, number> = new Map();

  constructor(generator: GeneratorCore, dial: (client: Client) => void) {
    this.#generator = generator;
    this.#dial = dial;
  }

  /** Somebody who was dropped is not back yet. */
  get areAwaited(): boolean {
    for (const { cause } of this.#plans.values()) if (cause === 'dropped') return true;
    return false;
  }

  has(client: Client): boolean {
    return this.#plans.has(client);
  }

  forget(client: Client): void {
    this.#plans.delete(client);
  }

  /** A storm cuts the client off; it comes back after a random part of the backoff. */
  cutOff(client: Client, backoffMs: number): void {
    client.returns = 'storm';
    this.#plans.set(client, this.#planOf(client, { cause: 'storm', backoffMs, code: 0 }));
  }

  /** The server or the network closed it, unasked. False where the scenario has it stay away. */
  dropped(client: Client, code: number): boolean {
    const { reconnects } = this.#generator.options.plan.scenario;
    if (reconnects === undefined || this.#generator.phase !== 'running') return false;
    const known = this.#plans.get(client);
    client.returns = 'dropped';
    if (known === undefined)
      this.#plans.set(client, this.#planOf(client, { cause: 'dropped', backoffMs: reconnects.backoffMs, code }));
    else known.failures += 1;
    return true;
  }

  /** Its connection has ended, or its last attempt has failed: when the next one is due. False where there is none. */
  comeBack(client: Client): boolean {
    const plan = this.#plans.get(client);
    if (plan === undefined) return false;
    const generator = this.#generator;
    const { reconnects } = generator.options.plan.scenario;
    if (plan.cause === 'dropped' && plan.failures >= (reconnects?.attempts ?? Infinity)) return false;
    const share = plan.cause === 'storm' ? plan.random() : 1 - (reconnects?.jitter ?? 0) * plan.random();
    generator.at(generator.nowUs() + plan.backoffMs * 1_000 * share, () => {
      if (this.#plans.get(client) === plan && this.#isTime(plan)) this.#dial(client);
    });
    plan.backoffMs = Math.min(backoffMsMax, plan.backoffMs * 2);
    return true;
  }

  /** An attempt to come back was turned away. False where it was no such attempt, or was the last one. */
  refused(client: Client): boolean {
    const plan = this.#plans.get(client);
    if (plan === undefined || !this.#isTime(plan)) return plan?.cause === 'dropped';
    plan.failures += 1;
    return this.comeBack(client) || plan.cause === 'dropped';
  }

  /** It is back, and has joined. */
  joined(client: Client): void {
    const plan = this.#plans.get(client);
    client.returns = undefined;
    if (plan === undefined) return;
    this.#plans.delete(client);
    const { measures } = this.#generator;
    measures.total.reconnected += 1;
    measures.absencesMs.push((this.#generator.nowUs() - plan.sinceUs) / 1_000);
  }

  /** Those of a storm that were turned away and never let in. */
  turnedAway(): readonly Client[] {
    return [...this.#plans].flatMap(([client, { cause, failures }]) =>
      cause === 'storm' && failures > 0 && client.state === 'idle' ? [client] : [],
    );
  }

  /** The run is over: who was dropped and is not back was dropped. */
  giveUp(): void {
    const { measures } = this.#generator;
    for (const [client, { cause, code }] of this.#plans) {
      if (cause !== 'dropped') continue;
      measures.awayMs.push((this.#generator.nowUs() - (this.#plans.get(client) as Return).sinceUs) / 1_000);
      if (!client.isPresent) measures.dropped(client, code);
    }
    this.#plans.clear();
  }

  /** While the last deliveries are waited for, who was dropped may still come back for its share of them. */
  #isTime({ cause }: Return): boolean {
    const { phase } = this.#generator;
    return phase === 'running' || (phase === 'draining' && cause === 'dropped');
  }

  #planOf(client: Client, about: Pick<Return, 'cause' | 'backoffMs' | 'code'>): Return {
    const { seed } = this.#generator.options.plan.scenario;
    const times = this.#drops.get(client.index) ?? 0;
    this.#drops.set(client.index, times + 1);
    const random =
      times === 0 ? seeded(seed, returnStream, client.index) : seeded(seed, returnStream, client.index, times);
    return { ...about, random, sinceUs: this.#generator.nowUs(), failures: 0 };
  }
}
