import type { Scenario } from '../../scenario/scenario.ts';
import type { Client } from '../client/client.ts';
import type { GeneratorCore } from '../client/generator-context.ts';
import { ScriptedClient } from './scripted.ts';
import type { Publisher } from './publisher.ts';

/** Runs a scenario's `client` function, once for each connection, and knows when all have ended. */
export class Scripts {
  readonly #generator: GeneratorCore;
  readonly #speaking: Publisher;
  #running: number = 0;
  #areAllConnected: boolean = false;
  #isTold: boolean = false;

  constructor(generator: GeneratorCore, speaking: Publisher) {
    this.#generator = generator;
    this.#speaking = speaking;
  }

  run(client: Client, script: NonNullable<Scenario['client']>): void {
    const generator = this.#generator;
    const { time, plan } = generator.options;
    const scripted = new ScriptedClient({
      client,
      speaking: this.#speaking,
      time,
      deadlineMs: plan.scenario.deadlineMs,
      close: (code) => generator.leave(client, code),
    });
    this.#running += 1;
    void Promise.resolve()
      .then(() => script(scripted))
      .catch((error: unknown) => {
        // What a script misses because the run is over is no finding.
        if (generator.phase !== 'running') return;
        generator.measures.scriptFailures += 1;
        generator.measures.error('client', `client ${client.index}: ${String(error)}`);
      })
      .finally(() => {
        this.#running -= 1;
        this.#tell();
      });
  }

  /** No more connections are planned. */
  allConnected(): void {
    this.#areAllConnected = true;
    this.#tell();
  }

  #tell(): void {
    const { plan } = this.#generator.options;
    if (this.#isTold || !this.#areAllConnected || this.#running > 0 || plan.scenario.client === undefined) return;
    this.#isTold = true;
    this.#generator.options.emit({ type: 'scripted' });
  }
}
