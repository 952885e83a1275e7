import type { IncomingMessage } from 'node:http';
import { HandshakeError, WebSocketDisconnect } from '../../errors.ts';
import type { Upgrade, UpgradeAnswer, Wire } from '../transport.ts';
import { memoryRequest } from './memory-request.ts';

/** What a client asks to be let in with. */
export interface MemoryRequest {
  /** Path and query. */
  readonly target: string;
  /** Stand in for the client's own of the same name, such as `Host`. */
  readonly headers: readonly (readonly [string, string])[];
  readonly subprotocols: readonly string[];
  /** Where it pretends to come from. */
  readonly client?: { readonly host: string; readonly port: number } | undefined;
}

/** Who is told how an upgrade was answered. */
export interface MemoryAsker {
  open(answer: UpgradeAnswer): Wire;
  refuse(status: number, headers: Headers, body: string): void;
}

/** A client asks to be let in, without a network. */
export class MemoryUpgrade implements Upgrade {
  readonly method = 'GET';
  readonly headers: readonly (readonly [string, string])[];
  readonly client: { readonly host: string; readonly port: number };
  readonly #asker: MemoryAsker;
  readonly #target: string;
  #abort: AbortController | undefined;
  #request: IncomingMessage | undefined;
  #hasLeft = false;
  #isAnswered = false;

  /** @param port where the client comes from, unless its request says so */
  constructor(asker: MemoryAsker, request: MemoryRequest, port: number) {
    this.#asker = asker;
    this.#target = request.target;
    this.client = request.client ?? { host: '127.0.0.1', port };
    const offered: [string, string][] =
      request.subprotocols.length === 0 ? [] : [['Sec-WebSocket-Protocol', request.subprotocols.join(',')]];
    this.headers = [...ownHeadersBeside(request.headers), ...offered, ...request.headers];
  }

  get url(): URL {
    return new URL(`ws://${this.header('host') ?? 'localhost'}${this.#target}`);
  }

  get path(): string {
    return this.#target.split(/[?#]/, 1)[0] as string;
  }

  get request(): IncomingMessage | undefined {
    if (this.#isAnswered) return undefined;
    this.#request ??= memoryRequest(this.#target, this.headers, this.client);
    return this.#request;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#hasLeft) this.#abort.abort(new WebSocketDisconnect(1006, '', false));
    return this.#abort.signal;
  }

  header(name: string): string | undefined {
    return this.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  }

  async accept(answer: UpgradeAnswer): Promise<Wire> {
    const wire = this.acceptNow(answer);
    if (wire === undefined) throw new WebSocketDisconnect(1006, '', false);
    return wire;
  }

  /** At once, as over a network: who does not await an accept meets the same on every transport. */
  acceptNow(answer: UpgradeAnswer): Wire | undefined {
    if (this.#isAnswered) throw answeredTwice('accept');
    this.#isAnswered = true;
    return this.#hasLeft ? undefined : this.#asker.open(answer);
  }

  async deny(response: Response): Promise<void> {
    if (this.#isAnswered) throw answeredTwice('deny');
    this.#isAnswered = true;
    let body = '';
    try {
      if (response.body !== null) body = await response.text();
    } catch (error) {
      if (!this.#hasLeft) this.#asker.refuse(500, new Headers(), 'the answer could not be made\n');
      throw error;
    }
    if (!this.#hasLeft) this.#asker.refuse(response.status, response.headers, body);
  }

  /** The client goes before it is answered. */
  leave(): void {
    if (this.#isAnswered) return;
    this.#hasLeft = true;
    this.#abort?.abort(new WebSocketDisconnect(1006, '', false));
  }
}

const ownHeaders: readonly (readonly [string, string])[] = [
  ['Host', 'localhost'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', '13'],
];

/** One that the test sends itself, such as a Host, stands in for the client's own. */
function ownHeadersBeside(given: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  if (given.length === 0) return ownHeaders;
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  return ownHeaders.filter(([name]) => !names.has(name.toLowerCase()));
}

function answeredTwice(step: string): HandshakeError {
  return new HandshakeError('CHANNELBOX_ALREADY_ANSWERED', `${step}() came for an upgrade that is answered already`);
}
