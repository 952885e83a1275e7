import type { ChaosStep } from '../plan/plan.ts';
import type { Client } from './client/client.ts';
import type { Connector } from './connector.ts';
import type { GeneratorCore } from './client/generator-context.ts';

/** Does to this process's clients what the scenario's chaos says, and leaves a mark. */
export class ChaosDriver {
  readonly #generator: GeneratorCore;
  readonly #connecting: Connector;

  constructor(generator: GeneratorCore, connecting: Connector) {
    this.#generator = generator;
    this.#connecting = connecting;
  }

  enqueue(): void {
    const generator = this.#generator;
    for (const step of generator.options.plan.chaos) {
      const clients = step.clients.flatMap((index) => generator.client(index) ?? []);
      generator.at(generator.startUs + step.atUs, () => this.#begin(step, clients));
      if (step.untilUs === Infinity) continue;
      generator.at(generator.startUs + step.untilUs, () => this.#finish(step, clients));
    }
  }

  #begin(step: ChaosStep, clients: readonly Client[]): void {
    const generator = this.#generator;
    if (generator.phase !== 'running') return;
    this.#mark(`${step.kind} begins: ${step.clients.length} clients`);
    const nowUs = generator.nowUs();
    for (const client of clients) {
      if (step.kind === 'vanish') {
        client.isCut = client.isPresent;
        generator.leave(client, 'vanish');
      } else if (step.kind === 'reconnectStorm') {
        if (!client.isPresent) continue;
        client.isCut = true;
        this.#connecting.cutOff(client, step.backoffMs);
      } else {
        client.cut(nowUs);
        if (client.isPresent) client.connection?.pause();
      }
    }
  }

  #finish(step: ChaosStep, clients: readonly Client[]): void {
    const generator = this.#generator;
    if (generator.phase !== 'running' && generator.phase !== 'draining') return;
    this.#mark(`${step.kind} ends`);
    const nowUs = generator.nowUs();
    for (const client of clients) {
      client.uncut(nowUs);
      if (client.isPresent) client.connection?.resume();
    }
    // A server that closes one soon after has had enough of what it did under chaos.
    generator.at(nowUs + generator.options.plan.scenario.deadlineMs * 1_000, () => {
      for (const client of clients) if (!client.isSlow) client.wasSlow = false;
    });
  }

  /** Every process does it at the same time; one says so. */
  #mark(what: string): void {
    if (this.#generator.options.process === 0) this.#generator.mark(what);
  }
}
