import type { App, Frame, Upgrade, UpgradeAnswer } from '../../src/index.ts';
import { messageOf, MemoryTransport, type MemoryClientEvents } from '../../src/internal.ts';
import type { Link, LinkEvents, LinkRequest, LinkTransport } from './link.ts';

/** The testing kit's clients reach an app without a network. */
export class MemoryLinks implements LinkTransport {
  readonly #transport: MemoryTransport;

  constructor(app: Pick<App, 'handle'>) {
    this.#transport = new MemoryTransport((upgrade) => app.handle(upgrade));
  }

  connect(request: LinkRequest, events: LinkEvents): Link {
    return this.#transport.connect(request, new AsMessages(events));
  }

  isInFlight(): boolean {
    return this.#transport.isBusy;
  }

  async close(): Promise<void> {}
}

/** What a client learns of its accept. Few tests read the headers, and making them costs as much as a frame. */
class Opened {
  readonly subprotocol: string;
  readonly #answer: UpgradeAnswer;

  constructor(answer: UpgradeAnswer) {
    this.subprotocol = answer.subprotocol ?? '';
    this.#answer = answer;
  }

  get headers(): Headers {
    return new Headers((this.#answer.headers ?? []) as [string, string][]);
  }
}

/** Tells a test's client what happens, in messages of its own. */
class AsMessages implements MemoryClientEvents {
  readonly #events: LinkEvents;

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  asked(upgrade: Upgrade): void {
    this.#events.asked?.(upgrade);
  }

  opened(answer: UpgradeAnswer): void {
    this.#events.opened(new Opened(answer));
  }

  refused(status: number, headers: Headers, body: string): void {
    this.#events.refused({ status, headers, body });
  }

  frame(frame: Frame): void {
    this.#events.frame(messageOf(frame));
  }

  closed(code: number, reason: string, wasClean: boolean): void {
    this.#events.closed(code, reason, wasClean);
  }
}
