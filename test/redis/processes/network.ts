import { execFileSync } from 'node:child_process';
import type { RedisLayerOptions } from 'channelbox/redis';
import { RedisProxy } from '../redis-proxy.ts';
import type { RedisServer } from '../redis-server.ts';

export type Direction = 'to-client' | 'to-server';

/** The ways between the processes and their Redis, each of which can be cut in one direction. */
export interface Network extends AsyncDisposable {
  /** How that process reaches Redis. */
  options(node: number): RedisLayerOptions;
  /** Nothing passes that way any more, and nobody is told. */
  block(node: number, direction: Direction): void;
  /** The subscribe connection that is there now hears nothing more. @returns how many connections that are */
  deafen(node: number): Promise<number>;
  /** All passes again. @returns how many bytes were kept back */
  heal(node: number): number;
}

export async function networkOf(kind: 'nft' | 'proxy', server: RedisServer, nodes: number): Promise<Network> {
  return kind === 'nft' ? new PacketFilter(server) : ProxiedNetwork.start(server, nodes);
}

/** Packets are dropped by nftables, in the network namespace of the run: each process has a loopback address of its own. */
class PacketFilter implements Network {
  readonly #server: RedisServer;

  constructor(server: RedisServer) {
    this.#server = server;
    // On their way in, as on a cable: what is dropped on its way out its sender is told of.
    this.#nft('add table ip faults');
    this.#nft('add chain ip faults way { type filter hook input priority 0 ; }');
  }

  options(node: number): RedisLayerOptions {
    return { url: this.#server.url, client: { socket: { localAddress: addressOf(node) } } };
  }

  block(node: number, direction: Direction): void {
    this.#drop(`${this.#match(node, direction)}`);
  }

  async deafen(node: number): Promise<number> {
    const list = String(await this.#server.command('CLIENT', 'LIST', 'TYPE', 'pubsub'));
    const ports = [...list.matchAll(/ addr=([\d.]+):(\d+)/g)].filter(([, address]) => address === addressOf(node));
    for (const [, , port] of ports) this.#drop(`${this.#match(node, 'to-client')} tcp dport ${port}`);
    return ports.length;
  }

  heal(): number {
    const rules = this.#nft('list chain ip faults way');
    this.#nft('flush chain ip faults way');
    return [...rules.matchAll(/bytes (\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  }

  // The namespace ends with the run, and all of this with it.
  async [Symbol.asyncDispose](): Promise<void> {}

  #match(node: number, direction: Direction): string {
    const { port } = this.#server;
    return direction === 'to-client'
      ? `ip daddr ${addressOf(node)} tcp sport ${port}`
      : `ip saddr ${addressOf(node)} tcp dport ${port}`;
  }

  #drop(match: string): void {
    this.#nft(`add rule ip faults way ${match} counter drop`);
  }

  #nft(command: string): string {
    return execFileSync('nft', command.split(' '), { encoding: 'utf8' });
  }
}

function addressOf(node: number): string {
  return `127.0.1.${node + 1}`;
}

/** Without rights to filter packets: a proxy for each process, that keeps back the bytes of one direction. */
class ProxiedNetwork implements Network {
  readonly #proxies: readonly RedisProxy[];
  readonly #before: number[];

  private constructor(proxies: readonly RedisProxy[]) {
    this.#proxies = proxies;
    this.#before = proxies.map(() => 0);
  }

  static async start(server: RedisServer, nodes: number): Promise<ProxiedNetwork> {
    const proxies: RedisProxy[] = [];
    for (let node = 0; node < nodes; node += 1) proxies.push(await RedisProxy.start(`${server.folder}/redis.sock`));
    return new ProxiedNetwork(proxies);
  }

  options(node: number): RedisLayerOptions {
    return { url: this.#at(node).url };
  }

  block(node: number, direction: Direction): void {
    this.#at(node).block(direction);
  }

  async deafen(node: number): Promise<number> {
    return this.#at(node).deafen();
  }

  heal(node: number): number {
    const proxy = this.#at(node);
    proxy.block('no');
    // What was kept back is gone, so that these connections cannot go on.
    proxy.reset();
    const { blockedBytes } = proxy;
    const kept = blockedBytes - (this.#before[node] ?? 0);
    this.#before[node] = blockedBytes;
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
  }

  #at(node: number): RedisProxy {
    return this.#proxies[node] as RedisProxy;
  }
}
