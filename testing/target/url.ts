import { TestClock } from '../time/clock.ts';
import type { ClockMove, Wait } from '../time/watched-app.ts';
import { Leaks } from './leaks.ts';
import type { Link, LinkEvents, LinkRequest, LinkTransport } from '../transport/link.ts';
import { HandlerActivity } from './handler-activity.ts';
import { Target, type TestTarget, type TestTargetOptions } from './target.ts';
import { Log } from '../client/transcript.ts';
import { WsLink } from '../transport/ws-link.ts';

// Kept from before fake timers can replace them: all of this is real time.
const { setTimeout, performance, Date } = globalThis;
const lookMs = 2;

/** Decides waits in real time: what is there at once, the rest when their time is over. */
class RealTime {
  #waits: Wait[] = [];
  #isRunning = false;

  addWait(wait: Wait): void {
    this.#waits.push(wait);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  addMover(mover: ClockMove): void {
    const dueMs = performance.now() + (mover.realMs ?? (mover.byMs as number));
    const look = (): void => {
      if (mover.poll?.() === true) return;
      if (performance.now() >= dueMs) mover.resolve(true);
      else setTimeout(look, lookMs);
    };
    look();
  }

  async #run(): Promise<void> {
    while (this.#waits.length > 0) {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, lookMs);
      });
      for (const wait of [...this.#waits]) {
        if (!wait.poll()) {
          if (performance.now() < wait.deadlineMs) continue;
          wait.expire([]);
        }
        this.#waits = this.#waits.filter((other) => other !== wait);
      }
    }
    this.#isRunning = false;
  }
}

class UrlTransport implements LinkTransport {
  readonly #origin: string;
  readonly #base: string;

  constructor(url: string) {
    const { protocol, host, pathname } = new URL(url);
    this.#origin = `${protocol}//${host}`;
    this.#base = pathname === '/' ? '' : pathname.replace(/\/$/, '');
  }

  connect(request: LinkRequest, events: LinkEvents): Link {
    return new WsLink({ ...request, target: `${this.#base}${request.target}` }, events, { origin: this.#origin });
  }

  isInFlight(): boolean {
    return false;
  }

  async close(): Promise<void> {}
}

class UrlTarget extends Target {
  readonly activity: HandlerActivity;
  readonly log: Log;
  readonly patienceMs: number;
  readonly isVirtual = false;
  protected readonly handshakeMs = 15_000;
  protected readonly transport: LinkTransport;
  readonly #time = new RealTime();

  constructor(url: string, options: TestTargetOptions) {
    super(options);
    this.patienceMs = options.watchdogMs ?? 1_000;
    this.activity = new HandlerActivity(new TestClock(), this.patienceMs);
    this.transport = new UrlTransport(url);
    this.log = new Log({ now: () => performance.now(), unixMs: Date.now(), isVirtual: false });
    this.cleanUpAfterTest();
  }

  nowMs(): number {
    return performance.now();
  }

  addWait(wait: Wait): void {
    this.#time.addWait(wait);
  }

  addMover(mover: ClockMove): void {
    this.#time.addMover(mover);
  }

  protected async finish(): Promise<Leaks> {
    const leaks = new Leaks();
    leaks.addUnread(this.isStrict ? this.clients : []);
    leaks.addErrors(this.activity);
    leaks.addForgotten(this.refusals);
    this.browserClients.leave();
    await Promise.all(
      this.clients.map((client) => {
        client.resume();
        return client.close(1001);
      }),
    );
    return leaks;
  }
}

/** The same client against something that is already running, channelbox or not: no app, no clock; `within` is real time. */
export function testUrl(url: `ws://${string}` | `wss://${string}`, options: TestTargetOptions = {}): TestTarget {
  return new UrlTarget(url, options);
}
