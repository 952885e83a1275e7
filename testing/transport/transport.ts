import type { App } from '../../src/index.ts';
import type { Link, LinkEvents, LinkRequest, LinkTransport } from './link.ts';
import { MemoryLink } from './memory-link.ts';
import { Pump } from '../../src/transport/memory/pump.ts';

/**
 * An app without a network: messages pass as they are, in the order of sending, and rule 7 of docs/semantics.md holds as it
 * does over TCP. `testing/conformance/transport.ts` checks it against the real thing.
 */
export class MemoryTransport implements LinkTransport {
  readonly #app: Pick<App, 'handle'>;
  readonly #pump = new Pump();

  constructor(app: Pick<App, 'handle'>) {
    this.#app = app;
  }

  connect(request: LinkRequest, events: LinkEvents): Link {
    const link = new MemoryLink(this.#pump, request, events);
    events.asked?.(link.upgrade);
    void this.#app.handle(link.upgrade);
    return link;
  }

  isInFlight(): boolean {
    return this.#pump.isBusy;
  }

  async close(): Promise<void> {}
}
