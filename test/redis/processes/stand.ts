import { setTimeout as realTime } from 'node:timers/promises'; // real time: everything here is another process
import type { RedisLayerOptions } from 'channelbox/redis';
import { settingsOf, type LayerSettings } from '../../../src/layer/redis/connection/options.ts';
import { RedisServer } from '../redis-server.ts';
import { Books, ReceiverBook } from './books.ts';
import type { NodeJob, RunJob } from './job.ts';
import { networkOf, type Network } from './network.ts';
import { NodeProcess, type NodeStatus } from './node-process.ts';
import { Receiver, type Audience } from './receiver.ts';

type SocketOptions = NonNullable<NonNullable<RedisLayerOptions['client']>['socket']>;

const nodeCount = 3;
const sayEveryMs = 20;
const lookEveryMs = 50;
export const usualShare = 0.85;
/** So much longer a machine that has other things to do may take for what the layer does by its times. */
const busyMs = 10_000;

/** Three processes of a service on one Redis, and receivers who speak, hear and move among them. */
export class Stand implements AsyncDisposable {
  readonly job: RunJob;
  readonly server: RedisServer;
  readonly network: Network;
  readonly nodes: NodeProcess[] = [];
  readonly books: Books;
  readonly receivers: Receiver[] = [];
  readonly settings: LayerSettings;
  readonly random: () => number;
  /** Put into what is said, where much has to be. */
  pad: string | undefined = undefined;
  /** Of all that is said. */
  savedShare: number = usualShare;
  readonly ordered: Set<string> = new Set();
  #isTalking = false;
  #talking: Promise<void> = Promise.resolve();
  readonly #audience: Audience;
  #next = 0;

  private constructor(job: RunJob, server: RedisServer, network: Network, random: () => number) {
    this.job = job;
    this.server = server;
    this.network = network;
    this.random = random;
    this.settings = settingsOf(job.layer);
    // A call and the answer on its way; what the machine took from the process is not counted.
    this.books = new Books(this.settings.deadlineMs + 1_000);
    this.#audience = {
      books: this.books,
      choose: (other) => this.#choose(other),
      ordered: (id) => void this.ordered.add(id),
    };
  }

  static async start(job: RunJob, random: () => number): Promise<Stand> {
    // Its own idea of the loopback is one address.
    const server = await RedisServer.start(job.program, { settings: [['protected-mode', 'no']] });
    const stand = new Stand(job, server, await networkOf(job.network, server, nodeCount), random);
    for (let node = 0; node < nodeCount; node += 1) stand.nodes.push(await stand.startNode(node));
    for (let name = 0; name < job.receivers; name += 1) {
      const book = new ReceiverBook(`room${name % job.rooms}`);
      stand.books.receivers.push(book);
      stand.receivers.push(new Receiver(stand.#audience, name, book));
    }
    // In turn, so that each room is on every process.
    for (const receiver of stand.receivers.toSorted((one, other) => (one.book.room < other.book.room ? -1 : 1))) {
      receiver.connect();
    }
    await stand.until(() => stand.receivers.every(({ member }) => member !== undefined), 60_000, 'all are in');
    return stand;
  }

  get rooms(): string[] {
    return Array.from({ length: this.job.rooms }, (_, at) => `room${at}`);
  }

  startNode(node: number, more: Partial<NodeJob> = {}): Promise<NodeProcess> {
    const { job } = this;
    const { client, ...way } = this.network.options(node);
    const socket = { ...job.layer.client?.socket, ...client?.socket } as SocketOptions;
    const layer = { ...job.layer, ...way, client: { ...job.layer.client, socket } };
    const own = { layer, countMax: job.countMax ?? 100_000, isNewer: false, without: job.without, ...more };
    return NodeProcess.start(
      job.node,
      own,
      job.faults.some((name) => name.endsWith('pushes lost')),
    );
  }

  /** One of them by chance. */
  anyNode(): number {
    return Math.floor(this.random() * nodeCount);
  }

  receiversOn(node: NodeProcess): Receiver[] {
    return this.receivers.filter((receiver) => receiver.node === node && receiver.member !== undefined);
  }

  /** Everybody says something every 20 ms or so, most of it in its own room, some of it unsaved, some with a key; now and then somebody moves. */
  talk(): void {
    this.#isTalking = true;
    this.#talking = (async () => {
      while (this.#isTalking) {
        for (const receiver of this.receivers) {
          const burst = this.random() < 0.02 ? 8 : 1;
          for (let count = 0; count < burst; count += 1) {
            const room = this.random() < 0.8 ? receiver.book.room : this.#anyRoom();
            receiver.say(room, this.random() < this.savedShare, this.random() < 0.1, this.pad);
          }
        }
        if (this.random() < (this.job.hopShare ?? 0.1))
          this.receivers[Math.floor(this.random() * this.receivers.length)]?.hop();
        await realTime(sayEveryMs);
      }
    })();
  }

  async hush(): Promise<void> {
    this.#isTalking = false;
    await this.#talking;
    const { deadlineMs, holdMs } = this.settings;
    // Whoever still waits then is hung, and the books will say so.
    await this.until(() => !this.receivers.some(({ isWaiting }) => isWaiting), 2 * deadlineMs + holdMs + 10_000);
  }

  statuses(): Promise<NodeStatus[]> {
    return Promise.all(this.nodes.filter(({ isRunning }) => isRunning).map((node) => node.status()));
  }

  /** Until all processes are up; whoever is not after so long is noted. */
  async heal(forMs: number = 4 * this.settings.leaseMs + 10_000): Promise<void> {
    const isUp = async (): Promise<boolean> => (await this.statuses()).every(({ health }) => health.status === 'up');
    if (await this.until(isUp, forMs)) return;
    for (const { health } of await this.statuses()) {
      if (health.status !== 'up') this.books.notUp.push(`${health.status}, ${health.reason}, ${health.behind} behind`);
    }
  }

  /** Until everybody has what there is for them, or for as long as the layer may need to find out what is missing. */
  async rest(): Promise<void> {
    const { verifyMs, leaseMs, leaseRenewMs } = this.settings;
    await this.heal();
    await this.until(() => this.receivers.every(({ member }) => member !== undefined), 10_000 + busyMs);
    await this.until(() => this.books.isComplete, 2 * verifyMs + 2 * leaseMs + 5_000 + busyMs);
    // What comes twice comes about now.
    await realTime(Math.min(1_000, 2 * leaseRenewMs));
  }

  /** Members that are none, or that are missing, as every process sees it once leases have run out. */
  async ghosts(): Promise<string[]> {
    let found: string[] = [];
    const look = async (): Promise<boolean> => {
      found = [];
      for (const room of this.rooms) {
        const real = this.receivers.filter(({ book, member }) => book.room === room && member !== undefined);
        const expected = new Set(real.map(({ member }) => member as string));
        for (const [at, node] of this.nodes.entries()) {
          const listed = await node.members(room);
          const strange = listed.filter((id) => !expected.has(id)).map((id) => `${id} in ${room} by node ${at}`);
          const absent = [...expected].filter((id) => !listed.includes(id));
          found.push(...strange, ...absent.map((id) => `not ${id} in ${room} by node ${at}`));
        }
      }
      return found.length === 0;
    };
    await this.until(look, this.settings.leaseMs + 2 * this.settings.leaseRenewMs + 1_000 + busyMs);
    return found;
  }

  /** @throws {Error} where it is named and does not come to be */
  async until(isSo: () => boolean | Promise<boolean>, forMs: number, what?: string): Promise<boolean> {
    const untilMs = performance.now() + forMs;
    while (performance.now() < untilMs) {
      if (await isSo()) return true;
      await realTime(lookEveryMs);
    }
    if (what !== undefined) throw new Error(`within ${forMs} ms it did not come to be that ${what}`);
    return false;
  }

  #anyRoom(): string {
    return `room${Math.floor(this.random() * this.job.rooms)}`;
  }

  #choose(other: NodeProcess | undefined): NodeProcess | undefined {
    const there = this.nodes.filter((node) => node.isRunning && node !== other);
    this.#next += 1;
    return there[this.#next % Math.max(1, there.length)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isTalking = false;
    await this.#talking;
    for (const receiver of this.receivers) receiver.end();
    await Promise.all(this.nodes.map((node) => node.end('SIGKILL')));
    await this.network[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}
