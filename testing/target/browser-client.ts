import { owners } from '../time/clock.ts';
import type { Link, LinkEvents, LinkRequest } from '../transport/link.ts';

// Kept from before fake timers can replace it: a browser's events come in real turns.
const { setImmediate } = globalThis;

/** A browser's client is one that no test reads. */
export interface BrowserClient {
  /** As a page that is closed: the server is told, the page's own code is not. */
  leave(): void;
}

/** The browserClients of one thing under test. What is on its way to them is on its way: rest waits for it. */
export class BrowserClients {
  readonly #connect: (request: LinkRequest, events: LinkEvents) => Link;
  readonly #browserClients = new Set<BrowserClient>();
  #tasks: (() => void)[] = [];
  #isArmed = false;
  #held = 0;
  #names = 0;

  constructor(connect: (request: LinkRequest, events: LinkEvents) => Link) {
    this.#connect = connect;
  }

  get isBusy(): boolean {
    return this.#isArmed || this.#held > 0;
  }

  nextName(): string {
    this.#names += 1;
    return `browser ${this.#names}`;
  }

  connect(browserClient: BrowserClient, request: LinkRequest, events: LinkEvents): Link {
    this.#browserClients.add(browserClient);
    return this.#connect(request, events);
  }

  forget(browserClient: BrowserClient): void {
    this.#browserClients.delete(browserClient);
  }

  /** A task of its own, behind all others, as a browser's event loop has it: promises settle before the next one. */
  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(this.#run);
  }

  /** Busy for as long as this takes. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      return await work;
    } finally {
      this.#held -= 1;
    }
  }

  /**
   * Under a runner's fake timers: whoever moves them by 4 ms, which is what a step of mock-socket takes, gives the loop as
   * many real turns as a step takes here. An installed TestClock needs none of it: moving it settles.
   */
  step(): void {
    const { setTimeout } = globalThis;
    if (!('clock' in setTimeout)) return;
    for (const ms of [1, 2, 3, 4]) setTimeout(() => {}, ms);
  }

  leave(): void {
    for (const browserClient of [...this.#browserClients]) browserClient.leave();
  }

  readonly #run = (): void => {
    const task = this.#tasks.shift();
    if (this.#tasks.length > 0) setImmediate(this.#run);
    else this.#isArmed = false;
    // What the page starts is the page's, not the handler's whose frame it answers.
    if (task !== undefined) owners.exit(task);
  };
}
