import { once } from 'node:events';
import { App, consumer, type AppOptions, type ErrorContext, type Logger } from 'channelbox';
import { expect } from 'vitest';
import { WebSocket as Client, type ClientOptions } from 'ws';
import { ManualClock, turn } from '../manual-clock.ts';
import { handshake, RawClient, type HeaderChanges } from './raw-client.ts';

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: object | undefined;
}

export interface ArenaOptions extends AppOptions {
  routes?: (app: App) => void;
}

/**
 * An app over loopback with a witness on it: a client whose echo must come back whatever others do.
 * Its clock stands still, so nothing but the attack itself ends a connection.
 */
export class Arena implements AsyncDisposable {
  readonly app: App;
  readonly clock: ManualClock;
  readonly port: number;
  readonly logs: LogLine[];
  readonly failures: { readonly error: unknown; readonly context: ErrorContext }[];
  /** What the echo routes saw of their connections, in order. */
  readonly visits: string[];
  readonly #clients: { destroy(): void }[] = [];
  /** Of this process before the arena opened, both ends of each connection. */
  readonly #socketsBefore: number = openSockets();
  readonly #unhandled: unknown[] = [];
  #witness: Client | undefined;
  #count = 0;

  private constructor(made: Pick<Arena, 'app' | 'clock' | 'port' | 'logs' | 'failures' | 'visits'>) {
    this.app = made.app;
    this.clock = made.clock;
    this.port = made.port;
    this.logs = made.logs;
    this.failures = made.failures;
    this.visits = made.visits;
    process.on('unhandledRejection', this.#onUnhandled);
  }

  static async open({ routes, ...options }: ArenaOptions = {}): Promise<Arena> {
    const clock = new ManualClock();
    const logs: LogLine[] = [];
    const failures: Arena['failures'] = [];
    const visits: string[] = [];
    const app = new App({
      clock,
      logger: collecting(logs),
      onError: (error, context) => failures.push({ error, context }),
      ...options,
    });
    for (const encoding of ['text', 'json', 'bytes'] as const) app.addWsRoute(echo(encoding, visits));
    app.wsRoute('/witness', async (ws) => {
      await ws.accept();
      for await (const message of ws) await ws.send(message.data);
    });
    routes?.(app);
    const { port } = await app.listen(0, '127.0.0.1');
    const arena = new Arena({ app, clock, port, logs, failures, visits });
    arena.#witness = await arena.connect('/witness');
    return arena;
  }

  /** A client that keeps the rules. */
  async connect(path: string, options: ClientOptions = {}): Promise<Client> {
    const client = this.client(path, options);
    await once(client, 'open');
    return client;
  }

  client(path: string, options: ClientOptions = {}): Client {
    const client = new Client(`ws://127.0.0.1:${this.port}${path}`, options);
    client.on('error', () => {});
    this.#clients.push({ destroy: () => client.terminate() });
    return client;
  }

  /** A client that keeps none. */
  async raw(): Promise<RawClient> {
    const client = await RawClient.open(this.port);
    this.#clients.push(client);
    return client;
  }

  /** A raw client past its handshake. */
  async upgraded(path = '/echo', changes: HeaderChanges = {}): Promise<RawClient> {
    const client = await this.raw();
    client.write(handshake(`GET ${path} HTTP/1.1`, changes));
    const answer = await client.answer();
    expect(answer?.status).toBe(101);
    return client;
  }

  /** Nobody else was disturbed: the witness is served, nothing went unhandled, nothing is left of the attacker. */
  async expectUndisturbed(connections = 1): Promise<void> {
    const witness = this.#witness as Client;
    const sent = `still here ${(this.#count += 1)}`;
    const echoed = once(witness, 'message');
    witness.send(sent);
    expect(String((await echoed)[0])).toBe(sent);
    await this.until(() => this.app.inspect().connections === connections, `${connections} connections are left`);
    await this.until(() => this.app.inspect().bufferedBytes === 0, 'no bytes wait for anyone');
    expect(this.#unhandled).toEqual([]);
  }

  /** Lets the event loop turn until it is so; twenty seconds in vain are a failure, on whatever machine. */
  async until(isSo: () => boolean, what: string): Promise<void> {
    const untilMs = performance.now() + 20_000;
    while (!isSo()) {
      if (performance.now() > untilMs) throw new Error(`it never came to be that ${what}`);
      await turn();
    }
  }

  /** What a stranger can cause at will stands at info: a refusal, say. */
  get seriousLogs(): LogLine[] {
    return this.logs.filter(({ level }) => level !== 'debug' && level !== 'info');
  }

  /** Whoever attacked has left: the bystander is served, and what was theirs is given back. */
  async #expectAftermath(): Promise<void> {
    const [, ...others] = this.#clients;
    for (const client of others) client.destroy();
    // A test that moves time by more than a heartbeat may have ended the bystander as well.
    if (await this.#hasLost(this.#witness)) return;
    await this.expectUndisturbed();
    // What waits for a handler that never ends is kept for it.
    await this.until(
      () => this.app.inspect().inboundBytes === 0 || this.app.inspect().handlers > 1,
      'no bytes are kept',
    );
  }

  async #hasLost(witness: Client | undefined): Promise<boolean> {
    if (witness === undefined || witness.readyState !== Client.OPEN) return true;
    return Promise.race([once(witness, 'close').then(() => true), pingOf(witness).then(() => false)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#expectAftermath();
    const closing = this.app.close();
    await turn(5);
    // What waits for a handler that never returns waits on the app's clock.
    this.clock.advance(60_000);
    await closing;
    await turn();
    await this.until(() => openSockets() <= this.#socketsBefore, 'every descriptor is given back');
    const { connections, channels, groups, memberships, bufferedBytes } = this.app.inspect();
    expect({ connections, channels, groups, memberships, bufferedBytes }).toEqual(nothing);
    expect(this.clock.pending).toBe(0);
    process.off('unhandledRejection', this.#onUnhandled);
    expect(this.#unhandled).toEqual([]);
  }

  readonly #onUnhandled = (reason: unknown): void => {
    this.#unhandled.push(reason);
  };
}

const nothing = { connections: 0, channels: 0, groups: 0, memberships: 0, bufferedBytes: 0 };

async function pingOf(client: Client): Promise<void> {
  const answered = once(client, 'pong');
  client.ping();
  await answered;
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((what) => what === 'TCPSocketWrap').length;
}

function echo(encoding: 'text' | 'json' | 'bytes', visits: string[]): ReturnType<typeof consumer> {
  return consumer(encoding === 'text' ? '/echo' : `/${encoding}`, {
    encoding,
    async onConnect(ws) {
      await ws.accept();
      visits.push('connect');
    },
    onReceive(_ws, data) {
      return this.send(data);
    },
    onDisconnect(_ws, code) {
      visits.push(`disconnect ${code}`);
    },
  });
}

function collecting(logs: LogLine[]): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields?: object): void => {
      logs.push({ level, message, fields });
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
