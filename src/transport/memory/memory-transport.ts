import type { Upgrade } from '../transport.ts';
import { MemoryClient, type MemoryClientEvents } from './memory-client.ts';
import type { MemoryRequest } from './memory-upgrade.ts';
import { Pump } from './pump.ts';

/**
 * The memory transport is the way to an app of this process without a network. Messages pass as they are, in the order
 * of sending; limits, close codes and back-pressure are those of a socket, and `testing/conformance/transport.ts`
 * compares it with the real thing.
 */
export class MemoryTransport {
  readonly #handle: (upgrade: Upgrade) => unknown;
  readonly #pump = new Pump();

  /** @param handle takes each upgrade, as `App.handle` does; it is not waited for. */
  constructor(handle: (upgrade: Upgrade) => unknown) {
    this.#handle = handle;
  }

  /** Asks to be let in. `events` may be called before this returns. */
  connect(request: MemoryRequest, events: MemoryClientEvents): MemoryClient {
    const client = new MemoryClient(this.#pump, request, events);
    events.asked?.(client.upgrade);
    void this.#handle(client.upgrade);
    return client;
  }

  /** Whether anything is on its way between the two ends. */
  get isBusy(): boolean {
    return this.#pump.isBusy;
  }

  /** Runs a task behind everything that is on its way. */
  afterwards(task: () => void): void {
    this.#pump.add(task);
  }
}
