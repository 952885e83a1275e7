import type { Frame } from '../../../src/index.ts';
import type { MemoryClient, MemoryClientEvents, MemoryTransport } from '../../../src/internal.ts';
import type { DialedConnection, ConnectionOwner, Dial, DialOptions } from '../../generator/connection/connection.ts';

/** Connects to an app in this process, through the one way in that every transport uses. */
export function dialMemory(transport: MemoryTransport): Dial {
  return (options, owner) => new MemoryConnection(transport, options, owner);
}

/** The generator's form of a client in memory: its owner is told behind what is on its way, never within its own call. */
class MemoryConnection implements DialedConnection, MemoryClientEvents {
  readonly #transport: MemoryTransport;
  readonly #owner: ConnectionOwner;
  readonly #client: MemoryClient;
  #isOpen: boolean = false;

  constructor(transport: MemoryTransport, { url, subprotocols, headers }: DialOptions, owner: ConnectionOwner) {
    this.#transport = transport;
    this.#owner = owner;
    const request = {
      target: url.pathname + url.search,
      headers: Object.entries(headers ?? {}),
      subprotocols: subprotocols ?? [],
    };
    this.#client = transport.connect(request, this);
  }

  // What happens to it.

  opened(): void {
    this.#transport.afterwards(() => {
      this.#isOpen = true;
      this.#owner.opened();
    });
  }

  refused(status: number): void {
    const message = `the upgrade was answered with ${status}`;
    this.#transport.afterwards(() => this.#owner.refused(`http-${status}`, message));
  }

  frame(frame: Frame): void {
    // A transport may keep its form of a frame on it: a fan-out is turned into bytes once.
    const bytes = (frame.wire ??= Buffer.from(frame.data as string)) as Buffer;
    this.#owner.frame({ bytes, start: 0, end: bytes.length, isText: frame.type === 'text' });
  }

  closed(code: number): void {
    this.#transport.afterwards(() => {
      if (this.#isOpen) this.#owner.closed(code);
      else this.#owner.refused('ECONNRESET', 'the client left before the upgrade was answered');
    });
  }

  // What the client does.

  send(data: string | Uint8Array): void {
    this.#client.send(data);
  }

  close(code: number): void {
    this.#client.close(code, '');
  }

  terminate(): void {
    this.#client.drop();
  }

  pause(): void {
    this.#client.pause();
  }

  resume(): void {
    this.#client.resume();
  }
}
