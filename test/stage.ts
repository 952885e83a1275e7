import { App, type AppOptions, type ErrorContext, type ServerWebSocket } from 'channelbox';
import { ManualClock, turn } from './manual-clock.ts';
import { Peers } from './peers.ts';

/** An app on a clock that stands still, clients without a network, and what it logged and reported. */
export class Stage implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly logs: { readonly level: string; readonly message: string }[] = [];
  readonly failures: { readonly error: unknown; readonly context: ErrorContext }[] = [];
  readonly unhandled: unknown[] = [];
  readonly sockets: ServerWebSocket[] = [];
  readonly app: App;
  readonly peers: Peers;

  constructor(options: AppOptions = {}, routes: (app: App, stage: Stage) => void = () => {}) {
    const at = (level: string) => (message: string) => void this.logs.push({ level, message });
    this.app = new App({
      clock: this.clock,
      logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      onError: (error, context) => this.failures.push({ error, context }),
      ...options,
    });
    // Accepts, stays, and leaves the rest to the test.
    this.app.wsRoute('/', async (ws) => {
      await ws.accept();
      this.sockets.push(ws);
      await new Promise((resolve) => ws.signal.addEventListener('abort', resolve));
    });
    routes(this.app, this);
    this.peers = new Peers(this.app);
    process.on('unhandledRejection', this.#onUnhandled);
  }

  get seriousLogs(): string[] {
    return this.logs.filter(({ level }) => level !== 'debug').map(({ message }) => message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.app.close();
    await turn(5);
    this.clock.advance(60_000);
    await closing;
    await turn();
    process.off('unhandledRejection', this.#onUnhandled);
    if (this.unhandled.length > 0) throw new AggregateError(this.unhandled, 'rejections that nobody handled');
  }

  readonly #onUnhandled = (reason: unknown): void => {
    this.unhandled.push(reason);
  };
}
