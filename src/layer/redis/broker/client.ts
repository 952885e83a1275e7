import { createRequire } from 'node:module';
import { LayerError } from '../../../errors.ts';
import { quiet } from '../../../promise.ts';
import type { BrokerAddress, SentinelAddress } from './address.ts';
import {
  BrokerLost,
  BrokerRefusal,
  type Broker,
  type BrokerConnection,
  type BrokerEvents,
  type BrokerFacts,
  type BrokerPurpose,
  type BrokerReply,
  type ScriptArgument,
  type ScriptName,
} from './broker.ts';
import { warningsOf } from './facts.ts';
import { Predecessor } from './predecessor.ts';
import { scripts } from './script.ts';

/** As much of `@redis/client` as is used, so that types of the package do not reach whoever lacks it. */
interface RedisModule {
  createClient(options: object): RedisConnection;
  readonly RESP_TYPES: { readonly BLOB_STRING: number };
  readonly ErrorReply: new (...args: never[]) => Error;
}

/** What of the layer's settings is the connection's. */
interface ClientSettings {
  readonly address: BrokerAddress;
  readonly client: Readonly<Record<string, unknown>>;
  readonly connectTimeoutMs: number;
}

interface RedisConnection {
  connect(): Promise<unknown>;
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<BrokerReply>;
  subscribe(
    channels: readonly string[],
    listener: (message: Buffer, channel: Buffer) => void,
    isBinary: true,
  ): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  destroy(): void;
}

/** @throws {LayerError} `CHANNELBOX_NO_PEER` where `@redis/client` is not installed */
export function loadRedis(): RedisModule {
  try {
    return createRequire(import.meta.url)('@redis/client') as RedisModule;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== 'MODULE_NOT_FOUND') throw error;
    throw new LayerError('CHANNELBOX_NO_PEER', 'redisLayer needs @redis/client; run `npm install @redis/client`', {
      cause: error,
    });
  }
}

/**
 * A Redis or Valkey is reached by way of `@redis/client`: a new client for every connection, none of which ever
 * reconnects.
 */
export class RedisBroker implements Broker {
  readonly #redis: RedisModule;
  readonly #settings: ClientSettings;
  readonly #predecessor = new Predecessor();

  constructor(redis: RedisModule, settings: ClientSettings) {
    this.#redis = redis;
    this.#settings = settings;
  }

  async connect(purpose: BrokerPurpose, events: BrokerEvents): Promise<BrokerConnection> {
    const { address, client, connectTimeoutMs } = this.#settings;
    const master = address.sentinel === undefined ? undefined : await this.#masterOf(address.sentinel);
    const ofUser = (client['socket'] as object | undefined) ?? {};
    return RedisClientConnection.open(this.#redis, events, {
      timeoutMs: connectTimeoutMs,
      predecessor: purpose === 'commands' ? this.#predecessor : undefined,
      options: this.#options(
        { ...client, ...address.sentinel?.nodeClientOptions, ...address.connection },
        { ...ofUser, ...address.socket, ...master },
      ),
    });
  }

  #options(options: object, socket: object): object {
    return {
      ...options,
      RESP: 3,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      socket: { ...socket, reconnectStrategy: false, connectTimeout: this.#settings.connectTimeoutMs },
    };
  }

  /** Of the first sentinel that answers. */
  async #masterOf(sentinel: SentinelAddress): Promise<{ host: string; port: number }> {
    let last: unknown;
    for (const node of sentinel.sentinelRootNodes) {
      const client = this.#redis.createClient(this.#options({ ...sentinel.sentinelClientOptions }, node));
      client.on('error', (error) => {
        last = error;
      });
      try {
        await client.connect();
        const reply = await client.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', sentinel.name]);
        if (!Array.isArray(reply)) throw new BrokerLost(`no sentinel knows a master ${sentinel.name}`);
        const address = { host: String(reply[0]), port: Number(String(reply[1])) };
        const { nodeAddressMap: map } = sentinel;
        const known = `${address.host}:${address.port}`;
        return (typeof map === 'function' ? map(known) : map?.[known]) ?? address;
      } catch (error) {
        last = error;
      } finally {
        client.destroy();
      }
    }
    throw new BrokerLost(`no sentinel answered: ${last instanceof Error ? last.message : String(last)}`);
  }
}

interface ConnectionAttempt {
  readonly options: object;
  readonly timeoutMs: number;
  /** Of a connection for commands. */
  readonly predecessor: Predecessor | undefined;
}

class RedisClientConnection implements BrokerConnection {
  facts: BrokerFacts = { runId: '', warnings: [] };
  readonly #client: RedisConnection;
  readonly #redis: RedisModule;
  readonly #inBytes: object;
  readonly #pushed: (message: Buffer, channel: Buffer) => void;
  #isOver = false;
  #hasBegun = false;

  private constructor(redis: RedisModule, events: BrokerEvents, options: object) {
    this.#redis = redis;
    this.#inBytes = { typeMapping: { [redis.RESP_TYPES.BLOB_STRING]: Buffer } };
    this.#client = redis.createClient(options);
    const pushed = (message: Buffer, channel: Buffer): void => {
      if (!this.#isOver) events.pushed(channel.toString(), message);
    };
    this.#pushed = pushed;
    const lost = (error?: Error): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      if (this.#hasBegun) events.lost(error ?? new BrokerLost('the connection ended'));
    };
    this.#client.on('error', lost);
    this.#client.on('end', lost);
  }

  static async open(
    redis: RedisModule,
    events: BrokerEvents,
    { options, timeoutMs, predecessor }: ConnectionAttempt,
  ): Promise<RedisClientConnection> {
    const connection = new RedisClientConnection(redis, events, options);
    try {
      await connection.#within(connection.#greet(predecessor), timeoutMs);
      connection.#hasBegun = true;
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** A server that takes the connection and says nothing must not hold up the next attempt. */
  async #within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new BrokerLost(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([quiet(promise), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** All in one go: who is there, whether it is the master, what its settings are. */
  async #greet(predecessor: Predecessor | undefined): Promise<void> {
    await this.#client.connect();
    const isForCommands = predecessor !== undefined;
    const ask = (...command: string[]): Promise<BrokerReply> => quiet(this.#optional(command));
    const [info, role] = [ask('INFO'), ask('ROLE')];
    const limits = isForCommands ? ask('CONFIG', 'GET', 'client-output-buffer-limit') : null;
    const fsync = isForCommands ? ask('CONFIG', 'GET', 'appendfsync') : null;
    const self = isForCommands ? ask('CLIENT', 'INFO') : null;
    const about = String((await info) ?? '');
    const kind = ((await role) as readonly BrokerReply[] | null)?.[0];
    if (kind !== undefined && String(kind) !== 'master') {
      throw new BrokerRefusal(`READONLY the server is a ${String(kind)}, not a master`);
    }
    this.facts = {
      runId: /^run_id:(\w+)/m.exec(about)?.[1] ?? '',
      warnings: warningsOf(about, await limits, await fsync),
    };
    await predecessor?.replaceBy(this.facts.runId, String((await self) ?? ''), ask);
  }

  /** Null where the user may not ask. */
  async #optional(command: readonly string[]): Promise<BrokerReply> {
    try {
      return await this.#send(command);
    } catch (error) {
      if (error instanceof BrokerRefusal) return null;
      throw error;
    }
  }

  async run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<BrokerReply> {
    const { sha, text } = scripts[script];
    const rest = [String(keys.length), ...keys, ...args.map((arg) => (typeof arg === 'number' ? String(arg) : arg))];
    try {
      return await this.#send(['EVALSHA', sha, ...rest]);
    } catch (error) {
      // Order is the caller's: it has one command of a group under way at a time.
      if (!(error instanceof BrokerRefusal) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.#send(['EVAL', text, ...rest]);
    }
  }

  async publish(channel: string, payload: Buffer): Promise<number> {
    return Number(await this.#send(['PUBLISH', channel, payload]));
  }

  async keys(start: string, end: string): Promise<string[]> {
    const found = new Set<string>();
    let cursor = '0';
    do {
      const reply = (await this.#send(['SCAN', cursor, 'MATCH', `${start}*${end}`, 'COUNT', '1000'])) as BrokerReply[];
      cursor = String(reply[0]);
      for (const key of reply[1] as readonly BrokerReply[]) found.add(String(key));
    } while (cursor !== '0');
    return [...found];
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    return this.#guarded(this.#client.subscribe(channels, this.#pushed, true));
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#guarded(this.#client.unsubscribe(channels));
  }

  close(): void {
    this.#isOver = true;
    this.#client.destroy();
  }

  #send(command: readonly (string | Buffer)[]): Promise<BrokerReply> {
    return this.#guarded(this.#client.sendCommand(command, this.#inBytes));
  }

  async #guarded<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof this.#redis.ErrorReply) throw new BrokerRefusal(error.message, { cause: error });
      throw new BrokerLost((error as Error).message, { cause: error });
    }
  }
}
