import { BlockList, isIP } from 'node:net';
import { ChannelBoxError } from '../errors.ts';
import type { Upgrade } from '../transport/transport.ts';

/** A proxy is believed on where a client comes from by these rules: so many hops, these networks, or who passes. */
export type TrustProxy = number | readonly string[] | ((address: string) => boolean);

interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

type IsTrusted = (address: string, hop: number) => boolean;

/**
 * Where a client comes from, behind the proxies that are trusted: the last address that one of them has seen.
 * `X-Forwarded-For` and `Forwarded` (RFC 7239) are believed alike. Where both come and disagree, one of them is the
 * client's own invention, and neither is.
 */
export class ClientAddresses {
  readonly #isTrusted: IsTrusted;

  /** @throws {ChannelBoxError} `CHANNELBOX_TRUST_PROXY` */
  constructor(trusted: TrustProxy) {
    this.#isTrusted = trustOf(trusted);
  }

  of(upgrade: Upgrade): PeerAddress {
    const peer = { host: plain(upgrade.client.host), port: upgrade.client.port };
    if (!this.#isTrusted(peer.host, 0)) return upgrade.client;
    const { forwardedFor, forwarded } = chainsOf(upgrade);
    const byFor = this.#behind(peer, forwardedFor);
    const byForwarded = this.#behind(peer, forwarded);
    if (forwardedFor.length === 0) return byForwarded;
    if (forwarded.length === 0 || byFor.host === byForwarded.host) return byFor;
    return peer;
  }

  /** @param chain nearest first */
  #behind(peer: PeerAddress, chain: readonly string[]): PeerAddress {
    let found = peer;
    for (const [at, text] of chain.entries()) {
      const address = addressOf(text);
      // What hides itself, or is none, ends what is known.
      if (address === undefined) return found;
      found = address;
      if (!this.#isTrusted(found.host, at + 1)) return found;
    }
    return found;
  }
}

function trustOf(trusted: TrustProxy): IsTrusted {
  if (typeof trusted === 'function') return (address) => trusted(address) === true;
  if (typeof trusted === 'number' && Number.isInteger(trusted) && trusted >= 0) return (_address, hop) => hop < trusted;
  if (!Array.isArray(trusted)) throw refused(`${String(trusted)} (${typeof trusted})`);
  const networks = new BlockList();
  for (const network of trusted as readonly unknown[]) addNetwork(networks, network);
  return (address) => networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function addNetwork(networks: BlockList, network: unknown): void {
  const [address = '', prefix] = typeof network === 'string' ? network.split('/') : [];
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const isWhole = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  if (family === 0 || !isWhole) throw refused(`the network ${String(network)}`);
  networks.addSubnet(address, prefix === undefined ? bits : Number(prefix), family === 6 ? 'ipv6' : 'ipv4');
}

function refused(came: string): ChannelBoxError {
  return new ChannelBoxError(
    'CHANNELBOX_TRUST_PROXY',
    `trustProxy is ${came}; allowed are a whole number of hops, a list of addresses and networks such as 10.0.0.0/8, or a function of an address`,
  );
}

function chainsOf({ headers }: Upgrade): { forwardedFor: string[]; forwarded: string[] } {
  const forwardedFor: string[] = [];
  const forwarded: string[] = [];
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (lower === 'x-forwarded-for') forwardedFor.push(...value.split(','));
    else if (lower === 'forwarded') {
      for (const hop of value.split(','))
        forwarded.push(/(?:^|;)\s*for\s*=\s*"?([^";]*)"?/i.exec(hop)?.[1] ?? 'unknown');
    }
  }
  return { forwardedFor: forwardedFor.toReversed(), forwarded: forwarded.toReversed() };
}

/** An address with or without a port, as proxies write it; undefined for a name, a secret, and what is none. */
function addressOf(text: string): PeerAddress | undefined {
  const trimmed = text.trim();
  const [, bracketed, bracketedPort] = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(trimmed) ?? [];
  const [, bare, barePort] = /^([^:]*):(\d{1,5})$/.exec(trimmed) ?? [];
  const host = plain(bracketed ?? bare ?? trimmed);
  return isIP(host) === 0 ? undefined : { host, port: Number(bracketedPort ?? barePort ?? 0) };
}

/** An IPv4 address that came in an IPv6 one is itself. */
function plain(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  return mapped ?? host;
}
