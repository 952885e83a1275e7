import type { Message, Upgrade, UpgradeAnswer, Wire } from 'channelbox';
import { until } from './case.ts';

/** The suite needs this of a transport. */
export interface TransportHarness {
  /** Serves: every upgrade that comes in is handed to `handle`, which never throws. */
  serve(handle: (upgrade: Upgrade) => void): Promise<TransportSite>;
}

/** A transport that serves, and the way to its clients; disposal ends both. */
export interface TransportSite extends AsyncDisposable {
  /** A client of the transport asks to be let in. */
  connect(request: ClientRequest): ConformanceClient;
}

/** What the client of a transport case asks for. */
export interface ClientRequest {
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly subprotocols: readonly string[];
}

/** The other end of a connection; it answers pings and the server's close by itself. */
export interface ConformanceClient {
  /** What the handshake was answered with; stays undefined for a client that left before. */
  readonly answer: HandshakeAnswer | undefined;
  readonly received: readonly Message[];
  /** Once the connection has ended; 1006 where it just broke off. */
  readonly closed: { readonly code: number; readonly reason: string; readonly wasClean: boolean } | undefined;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Vanishes without a close frame. */
  drop(): void;
  /** Reads no further, and goes on. */
  pause(): void;
  resume(): void;
}

export interface HandshakeAnswer {
  /** 101 when accepted. */
  readonly status: number;
  readonly headers: Headers;
  /** '' when accepted. */
  readonly body: string;
  /** '' where none was chosen. */
  readonly subprotocol: string;
}

/** The server's end, with all that happened to it noted down. */
export class Served {
  readonly wire: Wire;
  readonly frames: Message[] = [];
  readonly closes: { readonly code: number; readonly reason: string; readonly wasClean: boolean }[] = [];
  pongs = 0;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  listen(): this {
    this.wire.listen({
      frame: (message) => {
        this.frames.push(message);
      },
      pong: () => {
        this.pongs += 1;
      },
      close: (code, reason, wasClean) => {
        this.closes.push({ code, reason, wasClean });
      },
    });
    return this;
  }

  get texts(): (string | Uint8Array)[] {
    return this.frames.map(({ data }) => data);
  }
}

export interface Pair {
  readonly client: ConformanceClient;
  readonly served: Served;
}

/** A transport and what came in by it. */
export class OpenSite implements AsyncDisposable {
  readonly upgrades: Upgrade[] = [];
  readonly #site: TransportSite;

  private constructor(site: TransportSite, upgrades: Upgrade[]) {
    this.#site = site;
    this.upgrades = upgrades;
  }

  static async of(harness: TransportHarness): Promise<OpenSite> {
    const upgrades: Upgrade[] = [];
    return new OpenSite(await harness.serve((upgrade) => upgrades.push(upgrade)), upgrades);
  }

  /** A client whose handshake has come in, and is not answered yet. */
  async ask(request: Partial<ClientRequest> = {}): Promise<{ client: ConformanceClient; upgrade: Upgrade }> {
    const at = this.upgrades.length;
    const client = this.#site.connect({ target: '/', headers: [], subprotocols: [], ...request });
    await until(() => this.upgrades.length > at, 'the handshake comes in');
    return { client, upgrade: this.upgrades[at] as Upgrade };
  }

  /** A client that is let in, with a wire that is listened to. */
  async pair(answer: UpgradeAnswer = {}): Promise<Pair> {
    const { client, upgrade } = await this.ask();
    const served = new Served(await upgrade.accept(answer)).listen();
    await until(() => client.answer !== undefined, 'the client is let in');
    return { client, served };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site[Symbol.asyncDispose]();
  }
}

/** Lets the event loop come round a few times: enough for what is under way in this process. */
export async function turns(count = 10): Promise<void> {
  for (let at = 0; at < count; at += 1) await new Promise((resolve) => setImmediate(resolve));
}
