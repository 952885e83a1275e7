import { lookup } from 'node:dns/promises';
import * as net from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { ResolvedTls } from '../../scenario/tls.ts';

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

/** How a target is knocked at. */
export interface ReachOptions {
  readonly tls: ResolvedTls | undefined;
  readonly connectTimeoutMs: number;
}

/**
 * A target with its name looked up, so that no connection has to, and a TCP connection tried once, with TLS where it is
 * wss://: nothing is asked of the server, which never sees a client of it.
 * @returns the address that answered, or why nothing answers there
 */
export async function reach(
  target: string,
  options: ReachOptions,
): Promise<{ readonly address: string } | { readonly problem: string }> {
  const url = new URL(target);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isSecure = url.protocol === 'wss:';
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  let problem = `${host} has no address`;
  try {
    for (const { address } of await candidates(host)) {
      const connect = isSecure ? secure(address, port, host, options.tls) : () => net.connect({ host: address, port });
      const error = await tryConnect(connect, isSecure, Math.min(connectTimeoutMs, options.connectTimeoutMs));
      if (error !== undefined) {
        problem = `${address} port ${port}: ${error.message}${adviceFor(error)}`;
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

function secure(address: string, port: number, host: string, tls: ResolvedTls | undefined): () => net.Socket {
  return () =>
    connectTls({
      host: address,
      port,
      servername: tls?.servername ?? (net.isIP(host) === 0 ? host : ''),
      ...(tls === undefined ? {} : { secureContext: createSecureContext(tls), rejectUnauthorized: !tls.insecure }),
    });
}

function tryConnect(connect: () => net.Socket, isSecure: boolean, patienceMs: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = connect();
    let isDecided = false;
    const timer = setTimeout(() => decide(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
    const decide = (error?: Error): void => {
      if (isDecided) return;
      isDecided = true;
      clearTimeout(timer);
      socket.destroy();
      resolve(error);
    };
    socket.once(isSecure ? 'secureConnect' : 'connect', () => decide());
    socket.on('error', decide);
    socket.once('close', () => decide(new Error('the connection was closed before TLS was agreed on')));
  });
}

/** What helps against a certificate that is not believed, or a server that does not speak TLS. */
function adviceFor(error: Error): string {
  const code = String((error as NodeJS.ErrnoException).code ?? '');
  if (/CERT|SELF_SIGNED|UNABLE_TO|ISSUER/.test(code))
    return '; give its authority with --ca (tls.ca), its name with --servername, or believe any with --insecure';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return '; it does not speak TLS there: ws:// is without';
  return '';
}
