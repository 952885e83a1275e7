import {
  HandshakeError,
  WebSocketDisconnect,
  type Upgrade,
  type UpgradeAnswer,
  type Wire,
} from '../../../src/index.ts';

export interface SimRequest {
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly client: { readonly host: string; readonly port: number };
  readonly acceptsNow: boolean;
}

/** Who asked: the connection that an upgrade becomes. */
export interface UpgradeAsker {
  open(answer: UpgradeAnswer): Wire;
  refuse(status: number, headers: Headers, body: string): void;
  /** Milliseconds until the accept is through. */
  acceptDelayMs(): number;
  enter(afterMs: number, run: () => void): void;
}

const ownHeaders: readonly (readonly [string, string])[] = [
  ['Host', 'localhost'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', '13'],
];

/** A simulated client asks to be let in. */
export class SimUpgrade implements Upgrade {
  readonly method = 'GET';
  readonly headers: readonly (readonly [string, string])[];
  readonly client: { readonly host: string; readonly port: number };
  /** For a transport that can: drawn for each run. */
  readonly acceptNow?: (answer: UpgradeAnswer) => Wire | undefined;
  readonly asker: UpgradeAsker;
  readonly #target: string;
  #abort: AbortController | undefined = undefined;
  #hasLeft = false;
  #isAnswered = false;

  constructor(asker: UpgradeAsker, request: SimRequest) {
    this.asker = asker;
    this.#target = request.path;
    this.client = request.client;
    this.headers = withOwn(request.headers);
    const acceptNow = (answer: UpgradeAnswer): Wire | undefined => this.#answer('accept', () => this.#open(answer));
    if (request.acceptsNow) this.acceptNow = acceptNow;
  }

  get url(): URL {
    return new URL(`ws://${this.header('host') ?? 'localhost'}${this.#target}`);
  }

  get path(): string {
    return this.#target.split(/[?#]/, 1)[0] as string;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#hasLeft) this.#abort.abort(this.#disconnect);
    return this.#abort.signal;
  }

  header(name: string): string | undefined {
    return this.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  }

  async accept(answer: UpgradeAnswer): Promise<Wire> {
    return this.#answer('accept', () => {
      const delayMs = this.asker.acceptDelayMs();
      if (delayMs === 0) return this.#opened(answer);
      return new Promise<Wire>((resolve, reject) => {
        this.asker.enter(delayMs, () => {
          this.#opened(answer).then(resolve, reject);
        });
      });
    });
  }

  async deny(response: Response): Promise<void> {
    await this.#answer('deny', async () => {
      let body = '';
      try {
        if (response.body !== null) body = await response.text();
      } catch (error) {
        if (!this.#hasLeft) this.asker.refuse(500, new Headers(), 'the answer could not be made\n');
        throw error;
      }
      if (!this.#hasLeft) this.asker.refuse(response.status, response.headers, body);
    });
  }

  /** The client is gone. @returns whether it had been answered before */
  leave(): boolean {
    this.#hasLeft = true;
    if (this.#isAnswered) return true;
    this.#abort?.abort(this.#disconnect);
    return false;
  }

  get #disconnect(): WebSocketDisconnect {
    return new WebSocketDisconnect(1006, '', false);
  }

  #open(answer: UpgradeAnswer): Wire | undefined {
    return this.#hasLeft ? undefined : this.asker.open(answer);
  }

  async #opened(answer: UpgradeAnswer): Promise<Wire> {
    const wire = this.#open(answer);
    if (wire === undefined) throw this.#disconnect;
    return wire;
  }

  #answer<T>(step: string, give: () => T): T {
    if (this.#isAnswered) {
      const message = `${step}() came for an upgrade that is answered already`;
      throw new HandshakeError('CHANNELBOX_ALREADY_ANSWERED', message);
    }
    this.#isAnswered = true;
    return give();
  }
}

/** One that the client sends itself, such as a Host, stands in for ours. */
function withOwn(given: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  if (given.length === 0) return ownHeaders;
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  return [...ownHeaders.filter(([name]) => !names.has(name.toLowerCase())), ...given];
}
