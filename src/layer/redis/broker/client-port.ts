import { createRequire } from 'node:module';
import { LayerError } from '../../../errors.ts';
import { BrokerLost, BrokerRefusal, type BrokerReply } from './broker.ts';
import type { PortEvents, ServerPort } from './server-port.ts';

/** As much of `@redis/client` as is used, so that types of the package do not reach whoever lacks it. */
export interface RedisModule {
  createClient(options: object): RedisClient;
  readonly RESP_TYPES: { readonly BLOB_STRING: number };
  readonly ErrorReply: new (...args: never[]) => Error;
}

export interface RedisClient {
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

/** A client port is one connection by way of `@redis/client`, which never reconnects. */
export class ClientPort implements ServerPort {
  readonly #client: RedisClient;
  readonly #redis: RedisModule;
  readonly #inBytes: object;
  readonly #pushed: (message: Buffer, channel: Buffer) => void;

  constructor(redis: RedisModule, options: object, events: PortEvents) {
    this.#redis = redis;
    this.#inBytes = { typeMapping: { [redis.RESP_TYPES.BLOB_STRING]: Buffer } };
    this.#client = redis.createClient(options);
    const pushed = (message: Buffer, channel: Buffer): void => events.pushed(channel.toString(), message);
    this.#pushed = pushed;
    const lost = (error?: Error): void => events.lost(error ?? new BrokerLost('the connection ended'));
    this.#client.on('error', lost);
    this.#client.on('end', lost);
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  send(command: readonly (string | Buffer)[]): Promise<BrokerReply> {
    return this.#guarded(this.#client.sendCommand(command, this.#inBytes));
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#guarded(this.#client.subscribe(channels, this.#pushed, true));
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#guarded(this.#client.unsubscribe(channels));
  }

  close(): void {
    this.#client.destroy();
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
