import type { BrokerAddress, SentinelAddress } from './address.ts';
import { BrokerLost, type Broker, type BrokerConnection, type BrokerEvents, type BrokerPurpose } from './broker.ts';
import { ClientPort, type RedisModule } from './client-port.ts';
import { DirectPort, directOptionsOf } from './direct-port.ts';
import { Predecessor } from './predecessor.ts';
import { ServerConnection } from './server-connection.ts';

/** What of the layer's settings is the connection's. */
interface ClientSettings {
  readonly address: BrokerAddress;
  readonly client: Readonly<Record<string, unknown>>;
  readonly connectTimeoutMs: number;
}

type Options = Readonly<Record<string, unknown>>;

/** A Redis or Valkey is reached by a new connection each time, none of which ever reconnects. */
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
    const { sentinel } = address;
    const master = sentinel === undefined ? undefined : await this.#masterOf(sentinel);
    const ofUser = { ...client, ...sentinel?.nodeClientOptions };
    const socket = { ...(ofUser['socket'] as object | undefined), ...address.socket, ...master };
    const options = { ...ofUser, ...address.connection, socket };
    const direct = directOptionsOf(options);
    return ServerConnection.open(
      {
        timeoutMs: connectTimeoutMs,
        predecessor: purpose === 'commands' ? this.#predecessor : undefined,
        port: (ofPort) =>
          direct === undefined
            ? new ClientPort(this.#redis, this.#options(options, socket), ofPort)
            : new DirectPort(direct, ofPort),
      },
      events,
    );
  }

  #options(options: Options, socket: object): object {
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
