import type { BrokerReply } from './broker.ts';

/**
 * A port carries commands and their answers over one connection to a Redis, whoever speaks its protocol: `direct-port.ts`
 * over a socket of its own, `client-port.ts` by way of `@redis/client` where settings ask for what only that can do.
 *
 * Commands are written in the order of the calls. Errors are `BrokerRefusal` and `BrokerLost`.
 */
export interface ServerPort {
  /** Until the server has let this user in. */
  connect(): Promise<void>;
  send(command: readonly (string | Buffer)[]): Promise<BrokerReply>;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  close(): void;
}

/** What a port tells unasked. */
export interface PortEvents {
  pushed(channel: string, payload: Buffer): void;
  /** The connection is gone. Once or more. */
  lost(error: Error): void;
}
