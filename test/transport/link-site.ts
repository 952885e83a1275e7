import type { Message, Upgrade } from 'channelbox';
import type { Link, LinkTransport } from '../../testing/transport/link.ts';
import { SystemClock } from '../../src/time/clock.ts';
import { Turn } from '../../src/time/turn.ts';
import { NodeTransport } from '../../src/transport/node/node.ts';
import { MemoryLinks } from '../../testing/transport/memory.ts';
import { TcpTransport } from '../../testing/transport/tcp.ts';
import type {
  ClientRequest,
  ConformanceClient,
  HandshakeAnswer,
  TransportHarness,
  TransportSite,
} from '../../testing/conformance/transport.ts';

/** The testing kit's memory transport. */
export const memoryHarness: TransportHarness = {
  serve: async (handle) => new LinkSite(new MemoryLinks({ handle: async (upgrade) => handle(upgrade) })),
};

/** The testing kit's sockets, with what it counts of them in between. */
export const tcpHarness: TransportHarness = {
  serve: async (handle) => {
    const watched = (upgrade: Upgrade): void => handle(tcp.watch(upgrade));
    const node = new NodeTransport({ handle: watched, matches: () => true, turn: new Turn(new SystemClock()) }, {});
    const tcp = new TcpTransport({ attach: (server) => node.attach(server) });
    return new LinkSite(tcp);
  },
};

class LinkSite implements TransportSite {
  readonly #transport: LinkTransport;

  constructor(transport: LinkTransport) {
    this.#transport = transport;
  }

  connect(request: ClientRequest): ConformanceClient {
    return new LinkClient(this.#transport, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.close();
  }
}

class LinkClient implements ConformanceClient {
  answer: HandshakeAnswer | undefined;
  readonly received: Message[] = [];
  closed: { code: number; reason: string; wasClean: boolean } | undefined;
  readonly #link: Link;

  constructor(transport: LinkTransport, request: ClientRequest) {
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
