import { setTimeout as realTime } from 'node:timers/promises'; // real time: the server is another process
import { SystemClock } from 'channelbox';
import { redisLayer, type RedisLayer, type RedisLayerOptions } from 'channelbox/redis';
import { RedisProxy } from './redis-proxy.ts';
import { RedisServer } from './redis-server.ts';
import { Witness, type Findings } from './witness.ts';

/** A fault that is done to the server or to one node; answers what proves that it happened. */
export type Fault = (stand: FaultStand, random: () => number) => Promise<number>;

export interface StandOptions {
  readonly program: string;
  readonly nodes?: number;
  readonly groups?: number;
  readonly layer?: RedisLayerOptions;
  readonly countMax?: number;
  readonly settings?: readonly (readonly string[])[];
}

/** Nodes on one redis-server, each behind a proxy of its own, publishing all the while. */
export class FaultStand implements AsyncDisposable {
  readonly server: RedisServer;
  readonly proxies: readonly RedisProxy[];
  readonly layers: readonly RedisLayer[];
  readonly witness: Witness;
  readonly prefix = 'faults';
  readonly #options: RedisLayerOptions;
  #isPublishing = false;
  #publishing: Promise<void>[] = [];

  private constructor(server: RedisServer, proxies: readonly RedisProxy[], options: StandOptions) {
    this.server = server;
    this.proxies = proxies;
    const { groups = 8, layer = {}, countMax } = options;
    this.#options = {
      prefix: this.prefix,
      deadlineMs: 2_000,
      leaseMs: 900,
      leaseRenewMs: 300,
      verifyMs: 500,
      ...layer,
    };
    const names = Array.from({ length: groups }, (_, index) => `room ${index}`);
    this.witness = new Witness(names, new SystemClock(), this.#options.deadlineMs ?? 5_000);
    this.layers = proxies.map(({ url }) => redisLayer({ ...this.#options, url }));
    for (const one of this.layers) this.witness.add(one, countMax === undefined ? {} : { countMax });
  }

  static async start(options: StandOptions): Promise<FaultStand> {
    const { settings } = options;
    const server = await RedisServer.start(options.program, settings === undefined ? {} : { settings });
    const socket = `${server.folder}/redis.sock`;
    const proxies: RedisProxy[] = [];
    for (let count = options.nodes ?? 3; count > 0; count -= 1) proxies.push(await RedisProxy.start(socket));
    const stand = new FaultStand(server, proxies, options);
    await Promise.all(stand.layers.map((layer) => layer.ready()));
    await Promise.all(stand.witness.nodes.flatMap((node) => stand.witness.groups.map((group) => node.join(group))));
    return stand;
  }

  /** Every node publishes to every group, some of it in bursts, some of it unsaved, until it is told to stop. */
  publish(random: () => number, everyMs = 10): void {
    this.#isPublishing = true;
    for (const sender of this.layers.keys()) {
      this.#publishing.push(
        (async () => {
          const open: Promise<void>[] = [];
          while (this.#isPublishing) {
            for (const group of this.witness.groups) {
              const burst = random() < 0.1 ? 8 : 1;
              for (let count = 0; count < burst; count += 1) {
                open.push(this.witness.publish(sender, group, random() < 0.8));
              }
            }
            if (random() < 0.3) open.push(this.witness.resume(sender, this.witness.groups[0] as string, random()));
            await realTime(everyMs);
          }
          await Promise.all(open);
        })(),
      );
    }
  }

  async stop(): Promise<void> {
    this.#isPublishing = false;
    await Promise.all(this.#publishing);
    this.#publishing = [];
  }

  /** Until every node is up and all that was taken has come everywhere, or for so long at most. */
  async rest(forMs = 8_000): Promise<void> {
    const startMs = performance.now();
    let quietSince = performance.now();
    let before = '';
    while (performance.now() - startMs < forMs) {
      await realTime(50);
      const now = JSON.stringify(this.layers.map((layer) => [layer.health().status, layer.metrics().delivered]));
      const isUp = this.layers.every((layer) => layer.health().status === 'up');
      if (!isUp || now !== before) quietSince = performance.now();
      before = now;
      // Longer than two verifications and two renewals.
      if (performance.now() - quietSince > 1_300) return;
    }
  }

  async findings(): Promise<Findings> {
    let ghosts = 0;
    for (const group of this.witness.groups) {
      const listed = await (this.layers[0] as RedisLayer).members(group);
      const real = this.witness.nodes.flatMap((node) => node.members(group).map(({ uuid }) => uuid));
      const known = new Set(real);
      ghosts +=
        listed.filter(({ uuid }) => !known.has(uuid)).length +
        real.filter((id) => !listed.some(({ uuid }) => uuid === id)).length;
    }
    return this.witness.findings(ghosts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isPublishing = false;
    await Promise.allSettled(this.layers.map((layer) => layer.close()));
    await Promise.allSettled(this.proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    await this.server[Symbol.asyncDispose]();
  }
}

/** Publishes, does these things one after another, lets everything heal, and looks into the books. */
export async function faultRun(
  options: StandOptions & { readonly random: () => number; readonly lengthMs?: number },
  faults: readonly Fault[],
): Promise<{
  findings: Findings;
  proofs: number[];
  examples: readonly string[];
  codes: Readonly<Record<string, number>>;
}> {
  await using stand = await FaultStand.start(options);
  const { random, lengthMs = 1_500 } = options;
  stand.publish(random);
  const proofs: number[] = [];
  await realTime(lengthMs / 3);
  for (const fault of faults) {
    proofs.push(await fault(stand, random));
    await realTime(lengthMs / 3 / Math.max(1, faults.length));
  }
  await realTime(lengthMs / 3);
  await stand.stop();
  await stand.rest();
  const findings = await stand.findings();
  const { examples, codes } = stand.witness;
  return { findings, proofs, examples, codes: Object.fromEntries(codes) };
}

async function inRealTime(ms: number): Promise<void> {
  await realTime(ms);
}

export const faults: Readonly<Record<string, Fault>> = {
  'subscribe connections killed': async ({ server, layers }) => {
    let killed = 0;
    for (let count = 0; count < 4; count += 1) {
      killed += await server.killClients('pubsub');
      await inRealTime(20);
      for (let tries = 0; tries < 60 && layers.some((one) => one.health().status !== 'up'); tries += 1)
        await inRealTime(50);
    }
    return killed;
  },
  'command connections killed in bursts': async ({ server, layers }) => {
    let killed = 0;
    for (let count = 0; count < 12; count += 1) {
      killed += await server.killClients('normal');
      await inRealTime(20);
      // A burst of three, then until all are there again.
      for (
        let tries = 0;
        count % 3 === 2 && tries < 60 && layers.some((one) => one.health().status !== 'up');
        tries += 1
      ) {
        await inRealTime(50);
      }
    }
    return killed;
  },
  'server frozen': async ({ server }) => {
    server.signal('SIGSTOP');
    await inRealTime(700);
    server.signal('SIGCONT');
    return 1;
  },
  'server frozen past the deadline': async ({ server }) => {
    server.signal('SIGSTOP');
    await inRealTime(2_600);
    server.signal('SIGCONT');
    return 1;
  },
  'server killed, comes back empty': async ({ server }) => {
    await server.kill();
    await inRealTime(150);
    await server.start();
    return 1;
  },
  'server killed, comes back old': async (stand, random) => {
    await stand.server.command('SAVE');
    await inRealTime(200 + random() * 200);
    const node = Math.floor(random() * stand.proxies.length);
    // One node sleeps through the end of the old server's time.
    stand.proxies[node]?.block('both');
    await inRealTime(150);
    await stand.server.kill();
    stand.proxies[node]?.block('no');
    stand.proxies[node]?.reset();
    await stand.server.start();
    return 1;
  },
  'one node deaf': async (stand, random) => {
    const proxy = stand.proxies[Math.floor(random() * stand.proxies.length)];
    const deaf = proxy?.deafen() ?? 0;
    await inRealTime(900);
    return deaf > 0 && (proxy?.blockedBytes ?? 0) > 0 ? deaf : 0;
  },
  'one node cut off': async (stand, random) => {
    const proxy = stand.proxies[Math.floor(random() * stand.proxies.length)];
    proxy?.block((['both', 'to-client', 'to-server'] as const)[Math.floor(random() * 3)] ?? 'both');
    await inRealTime(1_300);
    proxy?.block('no');
    proxy?.reset();
    return proxy?.blockedBytes ?? 0;
  },
  'all keys deleted': async ({ server }) => {
    const before = Number(await server.command('DBSIZE'));
    await server.command('FLUSHALL');
    return before;
  },
  'scripts forgotten in a burst': async ({ server }) => {
    for (let count = 0; count < 20; count += 1) {
      await server.command('SCRIPT', 'FLUSH');
      await inRealTime(10);
    }
    return 20;
  },
  'a replica for a while': async ({ server }) => {
    await server.command('REPLICAOF', '127.0.0.1', '1');
    await inRealTime(500);
    await server.command('REPLICAOF', 'NO', 'ONE');
    return 1;
  },
  'foreign messages': async (stand) => {
    const group = 'faults:{room 0}';
    const junk = [
      '',
      'x',
      'Fx',
      '1M',
      '1Mshort',
      '1U',
      `1U${'\0'.repeat(40)}`,
      `1M${'A'.repeat(12)}0000000000009999${'0'.repeat(14)}`,
      '{"a":1}',
      '2M',
      '1C',
      '1P',
    ];
    for (const text of junk) await stand.server.command('PUBLISH', group, text);
    for (const layer of stand.layers) {
      for (const text of junk) await stand.server.command('PUBLISH', `faults:node:${layer.node}`, text);
    }
    return junk.length;
  },
};
