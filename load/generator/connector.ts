import { addressFor, authorizationOf } from '../address.ts';
import type { ClientStep } from '../plan/timeline.ts';
import type { Client } from './client/client.ts';
import type { GeneratorCore, TargetAddress } from './client/generator-context.ts';
import { Preparer } from './preparer.ts';
import { Returns } from './returns.ts';

/** Connects that wait for their answer at one time; more wait for their turn. */
const inFlightMax = 256;

/** Opens connections, not too many at a time, gives up those that are not answered, and brings back those that are to return. */
export class Connector {
  readonly returns: Returns;
  readonly #generator: GeneratorCore;
  readonly #retire: (client: Client) => void;
  readonly #preparer: Preparer;
  #waiting: Client[] = [];
  /** In the order of their dialling, so that the first one is the first to be given up. */
  #attempts: { readonly client: Client; readonly atUs: number }[] = [];
  #isWatching: boolean = false;
  #inFlight: number = 0;

  /** `retire` is told of a client that begins anew. */
  constructor(generator: GeneratorCore, retire: (client: Client) => void) {
    this.#generator = generator;
    this.#retire = retire;
    this.returns = new Returns(generator, (client) => this.#enqueue(client));
    this.#preparer = new Preparer(generator, {
      ready: (client) => {
        if (generator.phase === 'running') this.#enqueue(client);
        generator.tellConnected();
      },
      failed: (client, kind, message) => {
        generator.measures.error(kind, message);
        this.#count(client, kind);
        generator.tellConnected();
      },
    });
  }

  /** Nobody waits for a turn or an answer. */
  get isQuiet(): boolean {
    return this.#inFlight === 0 && this.#waiting.length === 0 && this.#preparer.isQuiet;
  }

  step(step: ClientStep): void {
    const client = this.#generator.client(step.client) as Client;
    if (step.kind === 'connect') return this.#enqueue(client);
    if (step.kind === 'replace') {
      if (client.state !== 'joined' && client.state !== 'open') return;
      client.returns = 'replaced';
      client.isPrepared = false;
      return this.#generator.leave(client, 1000);
    }
    client.returns = undefined;
    client.isUnwanted = true;
    this.returns.forget(client);
    this.#preparer.forget(client);
    this.#waiting = this.#waiting.filter((waiting) => waiting !== client);
    this.#generator.leave(client, 1000);
  }

  /** A storm cuts the client off; it comes back. */
  cutOff(client: Client, backoffMs: number): void {
    this.returns.cutOff(client, backoffMs);
    this.#generator.leave(client, 'vanish');
  }

  /** Its connection has ended, as was wanted or not. */
  comeBack(client: Client): void {
    if (client.returns === 'replaced') this.#enqueue(client);
    else this.returns.comeBack(client);
  }

  opened(client: Client): void {
    if (client.returns === 'replaced') client.returns = undefined;
    this.#answered();
  }

  refused(client: Client, kind: string, message: string): void {
    client.state = client.isResuming ? 'closed' : 'idle';
    this.#generator.measures.error(kind, message);
    if (!this.returns.refused(client)) this.#count(client, kind);
    this.#answered();
  }

  /** The run is over. Who still waits for a turn, or was turned away on its return, was refused. */
  abandon(): void {
    const { measures } = this.#generator;
    for (const client of this.#preparer.abandon()) {
      measures.error(
        'no-turn',
        `client ${client.index} was not prepared before the run was over: prepare takes too long`,
      );
      this.#count(client, 'no-turn');
    }
    for (const client of this.#waiting) {
      if (client.returns === 'dropped') continue;
      measures.error(
        'no-turn',
        `client ${client.index} was not connected before the run was over: the server answers too slowly`,
      );
      this.#count(client, 'no-turn');
    }
    this.#waiting = this.#waiting.filter((client) => client.returns === 'dropped');
    for (const client of this.returns.turnedAway()) this.#count(client, 'storm');
  }

  /** The drain is over: an answer that has not come by now does not come. */
  giveUp(): void {
    this.#waiting = [];
    for (const client of this.#generator.clients) {
      if (client.state !== 'connecting') continue;
      client.state = client.isResuming ? 'closed' : 'idle';
      this.#generator.measures.error(
        'no-answer',
        `client ${client.index} had no answer to its upgrade when the run was over`,
      );
      if (client.returns !== 'dropped') this.#count(client, 'no-answer');
      client.connection?.terminate();
    }
    this.returns.giveUp();
  }

  #count(client: Client, kind: string): void {
    client.returns = undefined;
    this.returns.forget(client);
    this.#generator.measures.refused(kind);
  }

  #enqueue(client: Client): void {
    if (client.state === 'connecting' || client.isPresent) return;
    if (this.#generator.options.plan.scenario.prepare !== undefined && !client.isPrepared)
      return this.#preparer.enqueue(client);
    this.#waiting.push(client);
    this.#dialNext();
  }

  #answered(): void {
    this.#inFlight -= 1;
    this.#dialNext();
  }

  #dialNext(): void {
    const { phase } = this.#generator;
    if (phase !== 'running' && phase !== 'draining') return;
    while (this.#inFlight < inFlightMax && this.#waiting.length > 0) this.#dial(this.#waiting.shift() as Client);
  }

  #dial(client: Client): void {
    const generator = this.#generator;
    const { targets, localAddresses, plan, dial, tls } = generator.options;
    const { adapter, compression } = plan.scenario;
    this.#inFlight += 1;
    const nowUs = generator.nowUs();
    if (client.hasPresence && !client.isResuming) {
      if (client.returns === 'dropped') client.awayUntil(nowUs);
      this.#retire(client);
    }
    client.begin(nowUs);
    const target = targets[client.roomIndex % targets.length] as TargetAddress;
    try {
      const resume = client.isResuming ? adapter.resume?.(client, client.lastFrame) : undefined;
      client.firstFrames = resume?.frames;
      const url = addressFor(target.url, resume?.path ?? adapter.path(client));
      const headers = { ...authorizationOf(target.url), ...adapter.headers?.(client) };
      const { subprotocols: offered } = adapter;
      const subprotocols = (typeof offered === 'function' ? offered(client) : offered) ?? [];
      client.trace?.dials(url, headers, subprotocols);
      client.connection = dial(
        {
          url,
          address: target.address,
          localAddress: localAddresses.length === 0 ? undefined : localAddresses[client.index % localAddresses.length],
          subprotocols: subprotocols.length === 0 ? undefined : subprotocols,
          headers: Object.keys(headers).length === 0 ? undefined : headers,
          tls,
          compression,
        },
        client,
      );
    } catch (error) {
      return generator.fail(error);
    }
    this.#attempts.push({ client, atUs: nowUs });
    if (!this.#isWatching) this.#watch();
  }

  /** One timer for all: every attempt has the same time, so they fall due in the order in which they were begun. */
  #watch(): void {
    const generator = this.#generator;
    const { connectTimeoutMs } = generator.options.plan.scenario;
    const nowUs = generator.nowUs();
    let first = 0;
    for (; first < this.#attempts.length; first += 1) {
      const { client, atUs } = this.#attempts[first] as { client: Client; atUs: number };
      if (client.state !== 'connecting' || client.attemptUs !== atUs) continue;
      if (atUs + connectTimeoutMs * 1_000 > nowUs) break;
      const message = `client ${client.index} had no answer to its upgrade within connectTimeout, ${connectTimeoutMs} ms`;
      client.gaveUp = { kind: 'connect-timeout', message };
      client.connection?.terminate();
    }
    this.#attempts = this.#attempts.slice(first);
    const next = this.#attempts[0];
    this.#isWatching = next !== undefined;
    if (next !== undefined) generator.at(next.atUs + connectTimeoutMs * 1_000, () => this.#watch());
  }
}
