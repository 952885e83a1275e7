import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  isSubscribing: boolean;
}

/** Between a layer and its Redis: passes bytes on, or does not, and says how many it kept back. */
export class RedisProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: string;
  readonly #pairs = new Set<Pair>();
  #isBlocked: 'no' | 'both' | 'to-client' | 'to-server' = 'no';
  blockedBytes: number = 0;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  /** @param target path of the server's Unix socket */
  static async start(target: string): Promise<RedisProxy> {
    const proxy = new RedisProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Subscribe connections that are there now hear nothing any more, and stay up; new ones are well. */
  deafen(): number {
    let count = 0;
    for (const pair of this.#pairs) {
      if (!pair.isSubscribing) continue;
      pair.server.removeAllListeners('data');
      pair.server.on('data', (bytes) => {
        this.blockedBytes += bytes.length;
      });
      count += 1;
    }
    return count;
  }

  /** As a cable that is cut, in one direction or both: nothing is closed. */
  block(what: 'no' | 'both' | 'to-client' | 'to-server'): void {
    this.#isBlocked = what;
  }

  /** Resets every connection. @returns how many there were */
  reset(): number {
    const count = this.#pairs.size;
    for (const { client } of this.#pairs) client.destroy();
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = createConnection(this.#target);
    const pair: Pair = { client, server, isSubscribing: false };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (bytes) => {
      if (!pair.isSubscribing && /subscribe/i.test(bytes.toString('latin1'))) pair.isSubscribing = true;
      if (this.#isBlocked === 'both' || this.#isBlocked === 'to-server') this.blockedBytes += bytes.length;
      else server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (this.#isBlocked === 'both' || this.#isBlocked === 'to-client') this.blockedBytes += bytes.length;
      else client.write(bytes);
    });
  }
}
