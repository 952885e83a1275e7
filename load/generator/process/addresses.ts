import { lookup } from 'node:dns/promises';
import * as net from 'node:net';

/** Clients of one source address. A port range holds 28 000, but each connection that ends keeps its port for a minute. */
const clientsPerAddress = 100;

/**
 * Source addresses for connections to a loopback target: Linux gives the whole of 127.0.0.0/8 to the loopback device, so
 * no set-up is due. `salt` moves the range from run to run, past the ports that wait from the run before.
 * Empty, which is the system's choice, for few clients and for any other target.
 */
export function sourceAddresses(hosts: readonly string[], clients: number, salt: number): readonly string[] {
  const isLoopback = hosts.every((host) => net.isIPv4(host) && host.startsWith('127.'));
  if (!isLoopback || clients <= clientsPerAddress || process.platform !== 'linux') return [];
  const count = Math.ceil(clients / clientsPerAddress);
  const second = 16 + (salt % 200);
  return Array.from({ length: count }, (_, index) => `127.${second}.${Math.floor(index / 250)}.${1 + (index % 250)}`);
}

/**
 * A target with its name looked up, so that no connection has to, and a TCP connection tried once: nothing is asked of the
 * server, which never sees a client of it.
 * @returns the address that answered, or why nothing answers there
 */
export async function reach(target: string): Promise<{ readonly address: string } | { readonly problem: string }> {
  const url = new URL(target);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (url.protocol === 'wss:' ? 443 : 80) : Number(url.port);
  let problem = `${host} has no address`;
  try {
    for (const { address } of await candidates(host)) {
      const error = await tryConnect(address, port);
      if (error !== undefined) {
        problem = `${address} port ${port}: ${error.message}`;
        continue;
      }
      return { address };
    }
  } catch (error) {
    problem = (error as Error).message;
  }
  return { problem };
}

/** IPv4 first: the loopback addresses to spread over are of that kind. */
async function candidates(host: string): Promise<readonly { address: string; family: number }[]> {
  if (net.isIP(host) !== 0) return [{ address: host, family: net.isIP(host) }];
  const found = await lookup(host, { all: true });
  return found.sort((one, other) => one.family - other.family);
}

const connectTimeoutMs = 5_000;

function tryConnect(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: connectTimeoutMs });
    const decide = (error?: Error): void => {
      socket.destroy();
      resolve(error);
    };
    socket.once('connect', () => decide());
    socket.once('error', decide);
    socket.once('timeout', () => decide(new Error(`no answer within ${connectTimeoutMs} ms`)));
  });
}
