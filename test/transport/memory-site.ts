import type { Message, Upgrade } from 'channelbox';
import type { Link } from '../../testing/transport/link.ts';
import { MemoryTransport } from '../../testing/transport/transport.ts';
import type {
  ClientRequest,
  ConformanceClient,
  HandshakeAnswer,
  TransportHarness,
  TransportSite,
} from '../../testing/conformance/transport.ts';

/** The testing kit's memory transport. */
export const memoryHarness: TransportHarness = {
  serve: async (handle) => new MemorySite(handle),
};

class MemorySite implements TransportSite {
  readonly #transport: MemoryTransport;

  constructor(handle: (upgrade: Upgrade) => void) {
    this.#transport = new MemoryTransport({ handle: async (upgrade) => handle(upgrade) });
  }

  connect(request: ClientRequest): ConformanceClient {
    return new MemoryClient(this.#transport, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.close();
  }
}

class MemoryClient implements ConformanceClient {
  answer: HandshakeAnswer | undefined;
  readonly received: Message[] = [];
  closed: { code: number; reason: string; wasClean: boolean } | undefined;
  readonly #link: Link;

  constructor(transport: MemoryTransport, request: ClientRequest) {
    this.#link = transport.connect(request, {
      opened: ({ subprotocol, headers }) => {
        this.answer = { status: 101, headers, body: '', subprotocol };
      },
      refused: ({ status, headers, body }) => {
        this.answer = { status, headers, body, subprotocol: '' };
      },
      frame: (message) => {
        this.received.push(message);
      },
      closed: (code, reason, wasClean) => {
        this.closed = { code, reason, wasClean };
      },
    });
  }

  send(data: string | Uint8Array): void {
    this.#link.send(data);
  }

  close(code?: number, reason = ''): void {
    this.#link.close(code, reason);
  }

  drop(): void {
    this.#link.drop();
  }

  pause(): void {
    this.#link.pause();
  }

  resume(): void {
    this.#link.resume();
  }
}
