import type { App, Message } from 'channelbox';
import type { Link } from '../testing/transport/link.ts';
import { MemoryLinks } from '../testing/transport/memory.ts';
import { turn } from './manual-clock.ts';

/** Clients of an app without a network, for tests of what lies below the testing kit. */
export class Peers {
  readonly #transport: MemoryLinks;

  constructor(app: Pick<App, 'handle'>) {
    this.#transport = new MemoryLinks(app);
  }

  ask(target: string, headers: readonly (readonly [string, string])[] = []): Peer {
    const peer = new Peer();
    peer.link = this.#transport.connect(
      { target, headers, subprotocols: [] },
      {
        opened: () => {
          peer.status = 101;
        },
        refused: ({ status, headers }) => {
          peer.status = status;
          peer.headers = headers;
        },
        frame: (message) => {
          peer.received.push(message);
        },
        closed: (code, reason) => {
          peer.closed = { code, reason };
        },
      },
    );
    return peer;
  }

  async connect(target: string): Promise<Peer> {
    const peer = this.ask(target);
    for (let turns = 0; peer.status === 0 && turns < 1_000; turns += 1) await turn();
    // The handler goes on in its own time after the accept.
    await turn();
    if (peer.status !== 101) throw new Error(`answered with ${peer.status}`);
    return peer;
  }
}

export class Peer {
  link: Link | undefined;
  /** 0 until the handshake is answered. */
  status = 0;
  /** Of a refusal. */
  headers: Headers | undefined;
  readonly received: Message[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;

  get texts(): (string | Uint8Array)[] {
    return this.received.map(({ data }) => data);
  }

  send(data: string | Uint8Array): this {
    this.link?.send(data);
    return this;
  }

  close(code?: number, reason = ''): void {
    this.link?.close(code, reason);
  }

  drop(): void {
    this.link?.drop();
  }

  pause(): void {
    this.link?.pause();
  }

  resume(): void {
    this.link?.resume();
  }
}
