import type { DeliveryLedger } from '../ledger/ledger.ts';
import type { Client } from './client/client.ts';
import type { GeneratorCore } from './client/generator-context.ts';
import type { Connector } from './connector.ts';
import type { Publisher } from './speaking/publisher.ts';

export interface DeparturesOptions {
  readonly ledger: DeliveryLedger;
  readonly speaking: Publisher;
  readonly connecting: Connector;
}

/** Ends the clients' connections, or learns that they have ended: each close is counted once, under what brought it about. */
export class Departures {
  readonly #generator: GeneratorCore;
  readonly #options: DeparturesOptions;

  constructor(generator: GeneratorCore, options: DeparturesOptions) {
    this.#generator = generator;
    this.#options = options;
  }

  /** Begins to leave: in an orderly way, or without a word. */
  leave(client: Client, code: number | 'vanish'): void {
    if (!client.isPresent) return;
    const nowUs = this.#generator.nowUs();
    if (client.leave(nowUs)) this.#options.speaking.left(client, nowUs);
    client.state = 'leaving';
    if (code === 'vanish') client.connection?.terminate();
    else client.connection?.close(code);
  }

  closed(client: Client, code: number): void {
    if (!client.isPresent) return;
    const { measures, phase } = this.#generator;
    const { connecting, speaking } = this.#options;
    const nowUs = this.#generator.nowUs();
    const wasAsked = client.state === 'leaving' || phase === 'closing' || phase === 'done';
    measures.connected -= 1;
    measures.closedUs.push(nowUs);
    measures.closed(client.isCut ? 'chaos' : String(code));
    const comesBack = !wasAsked && connecting.returns.dropped(client, code);
    client.isResuming ||= comesBack && client.state === 'joined' && this.#resumes;
    if (client.isResuming) {
      client.leave(nowUs);
      speaking.dropped(client, nowUs, this.#lastHeard(client));
    } else if (client.leave(nowUs)) speaking.left(client, nowUs);
    client.end(nowUs);
    if (!wasAsked && !comesBack && !client.wasSlow) measures.dropped(client, code);
    if (client.returns !== undefined && phase === 'running') connecting.comeBack(client);
  }

  /** The server did not answer our close in time. */
  unanswered(client: Client, patienceMs: number): void {
    const { measures } = this.#generator;
    measures.connected -= 1;
    measures.closed('unanswered');
    const message = `client ${client.index} of ${client.room} was not answered its close within ${patienceMs} ms`;
    measures.error('unanswered', message);
    client.end(this.#generator.nowUs());
    client.connection?.terminate();
  }

  get #resumes(): boolean {
    return this.#generator.options.plan.scenario.adapter.resume !== undefined;
  }

  /** The last message that a speaker heard of itself; undefined where it hears none of its own. */
  #lastHeard(client: Client): number | undefined {
    const { plan } = this.#generator.options;
    const { reach, echoes } = plan.scenario.adapter;
    if (echoes === false) return undefined;
    const { ledger, speaking } = this.#options;
    const offset = reach === 'sender' ? 0 : (plan.placeOf[client.index] as number);
    return speaking.isSpeaker(client) ? ledger.lastOf(client.pairBase + offset) : 0;
  }
}
