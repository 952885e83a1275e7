import type { Limits } from '../api.ts';
import { isHostOurs } from '../middleware/host.ts';
import { isOriginAllowed, type Origins } from '../middleware/origin.ts';
import type { RefusalReason } from '../protocol/counters.ts';
import { ClientAddresses, type TrustProxy } from '../handshake/proxy.ts';
import { headerOf } from '../handshake/request.ts';
import type { Upgrade } from '../transport/transport.ts';

/** What an app says of who may come in at all. */
export interface AdmissionRules {
  readonly origins?: Origins;
  readonly hosts?: readonly (string | RegExp)[];
  readonly trustProxy?: TrustProxy;
  readonly memoryBudgetBytes?: number;
}

/** Why a handshake is turned away before any route sees it. */
export interface Rejection {
  readonly status: number;
  readonly by: RefusalReason;
  /** That disagreed. */
  readonly values?: object;
}

/**
 * Admission decides who may come in: by the host asked for, the page that asks, and how many there are already, of all
 * and of one address.
 */
export class Admission {
  readonly #limits: Limits;
  readonly #rules: AdmissionRules;
  readonly #addresses: ClientAddresses | undefined;
  /** Only where there is a limit: of everybody who is in, or asks to be. */
  readonly #addressOf = new Map<object, string>();
  readonly #perAddress = new Map<string, number>();

  /** @throws {ChannelBoxError} `CHANNELBOX_TRUST_PROXY` */
  constructor(limits: Limits, rules: AdmissionRules) {
    this.#limits = limits;
    this.#rules = rules;
    this.#addresses = rules.trustProxy === undefined ? undefined : new ClientAddresses(rules.trustProxy);
  }

  clientOf(upgrade: Upgrade): { readonly host: string; readonly port: number } {
    return this.#addresses?.of(upgrade) ?? upgrade.client;
  }

  /** @returns undefined where nothing speaks against it */
  refusalOf(upgrade: Upgrade, connections: number): Rejection | undefined {
    const { hosts, origins = [] } = this.#rules;
    const host = headerOf(upgrade, 'host');
    if (hosts !== undefined && !isHostOurs(host, hosts)) return { status: 421, by: 'host', values: { host } };
    const origin = headerOf(upgrade, 'origin');
    if (origin !== undefined && !isOriginAllowed(origin, host, origins))
      return { status: 403, by: 'origin', values: { origin, host } };
    const { maxConnections, connectionsPerAddress } = this.#limits;
    if (connections >= maxConnections) return { status: 503, by: 'limit', values: { connections, maxConnections } };
    if (connectionsPerAddress === Infinity) return undefined;
    const already = this.#perAddress.get(this.clientOf(upgrade).host) ?? 0;
    if (already < connectionsPerAddress) return undefined;
    return { status: 429, by: 'limit', values: { connections: already, connectionsPerAddress } };
  }

  /** From here on it counts, until it is released. */
  admit(socket: object, upgrade: Upgrade): void {
    if (this.#limits.connectionsPerAddress === Infinity) return;
    const { host } = this.clientOf(upgrade);
    this.#addressOf.set(socket, host);
    this.#perAddress.set(host, (this.#perAddress.get(host) ?? 0) + 1);
  }

  release(socket: object): void {
    const host = this.#addressOf.get(socket);
    if (host === undefined) return;
    this.#addressOf.delete(socket);
    const left = (this.#perAddress.get(host) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(host, left);
    else this.#perAddress.delete(host);
  }
}
