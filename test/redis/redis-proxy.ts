import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  isSubscribing: boolean;
  /** What the client said and the server has not been told yet, though the client may have gone. */
  held: Buffer[] | undefined;
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

  /** What is said on the command connections that are there now stays on its way until `release`, whoever closes what. */
  holdBack(): void {
    for (const pair of this.#pairs) if (!pair.isSubscribing) pair.held ??= [];
  }

  get heldBytes(): number {
    return [...this.#pairs].flatMap(({ held }) => held ?? []).reduce((sum, { length }) => sum + length, 0);
  }

  /** What was held back arrives after all, where the server still listens. Resolves when that has answered, or has ended. */
  async release(): Promise<void> {
    const held = [...this.#pairs].filter((pair) => (pair.held?.length ?? 0) > 0);
    const answered = held.map(({ server }) => Promise.race([once(server, 'data'), once(server, 'close')]));
    for (const { held: parts, server } of held) for (const part of parts ?? []) server.write(part);
    await Promise.all(answered);
  }

  /** Resets every connection. @returns how many there were */
  reset(): number {
    const count = this.#pairs.size;
    for (const { client } of this.#pairs) client.destroy();
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = createConnection(this.#target);
    const pair: Pair = { client, server, isSubscribing: false, held: undefined };
    this.#pairs.add(pair);
    const end = (): void => {
      if (pair.held !== undefined && !server.destroyed) return;
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
      if (pair.held !== undefined) pair.held.push(bytes);
      else if (this.#isBlocked === 'both' || this.#isBlocked === 'to-server') this.blockedBytes += bytes.length;
      else server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (this.#isBlocked === 'both' || this.#isBlocked === 'to-client') this.blockedBytes += bytes.length;
      else client.write(bytes);
    });
  }
}
