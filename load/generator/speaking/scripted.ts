import type { LoadClient } from '../../scenario/scenario.ts';
import { durationMs, type Duration } from '../../../src/internal.ts';
import type { LoadTime } from '../../time.ts';
import type { Client } from '../client/client.ts';
import type { Publisher } from './publisher.ts';

export interface ScriptOptions {
  readonly client: Client;
  readonly speaking: Publisher;
  readonly time: LoadTime;
  readonly deadlineMs: number;
  close(code: number): void;
}

/** A scenario's `client` function holds this in its hands. */
export class ScriptedClient implements LoadClient {
  readonly index: number;
  readonly room: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- only the scenario knows what its prepare gives
  readonly prepared?: any;
  readonly #options: ScriptOptions;

  constructor(options: ScriptOptions) {
    this.#options = options;
    this.index = options.client.index;
    this.room = options.client.room;
    this.prepared = options.client.prepared;
  }

  async publish(payload?: unknown): Promise<void> {
    const { client, speaking, time } = this.#options;
    if (client.state !== 'joined') throw new Error(`client ${this.index} cannot publish: it is ${client.state}`);
    if (!speaking.isSpeaker(client)) {
      throw new Error(
        `client ${this.index} cannot publish: it is not among the speakers of ${this.room}; raise speakers`,
      );
    }
    const nowUs = time.nowUs();
    if (nowUs > speaking.endUs) throw new Error('the run is over');
    speaking.publish(client, nowUs, payload);
  }

  received(count: number, options: { within?: Duration } = {}): Promise<void> {
    const { client, time, deadlineMs } = this.#options;
    if (client.deliveries >= count) return Promise.resolve();
    const withinMs = options.within === undefined ? deadlineMs : durationMs(options.within);
    return new Promise((resolve, reject) => {
      const timer = time.after(withinMs, () => {
        client.waiters = client.waiters?.filter((waiter) => waiter !== entry);
        reject(new Error(`client ${client.index} has received ${client.deliveries} of ${count} within ${withinMs} ms`));
      });
      const entry = {
        count,
        resolve: (): void => {
          time.cancel(timer);
          resolve();
        },
      };
      client.waiters = [...(client.waiters ?? []), entry];
    });
  }

  sleep(ms: Duration): Promise<void> {
    return new Promise((resolve) => void this.#options.time.after(durationMs(ms), resolve));
  }

  async close(code: number = 1000): Promise<void> {
    this.#options.close(code);
  }
}
