import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { ScenarioError } from '../load-error.ts';
import type { TlsSettings } from './scenario.ts';

/** What TLS takes, as PEM: plain, since it goes to other processes. */
export interface ResolvedTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly insecure: boolean;
}

/**
 * Reads the files that stand in place of PEM.
 * @throws {ScenarioError} at `tls.ca`, `tls.cert` or `tls.key` where one cannot be read, is no PEM or does not fit the other
 */
export function resolveTls(tls: TlsSettings = {}): ResolvedTls | undefined {
  const { ca, cert, key, servername, insecure = false } = tls;
  if (ca === undefined && cert === undefined && key === undefined && servername === undefined && !insecure)
    return undefined;
  if ((cert === undefined) !== (key === undefined)) {
    const [came, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    throw new ScenarioError(`tls.${missing}`, `is missing; ${came} came, and one proves nothing without the other`);
  }
  const resolved: ResolvedTls = {
    ...(ca === undefined ? {} : { ca: pemOf('ca', ca) }),
    ...(cert === undefined ? {} : { cert: pemOf('cert', cert) }),
    ...(key === undefined ? {} : { key: pemOf('key', key) }),
    ...(servername === undefined ? {} : { servername }),
    insecure,
  };
  try {
    createSecureContext(resolved);
  } catch (error) {
    throw new ScenarioError('tls', `${(error as Error).message}; PEM is due, and a key that fits its certificate`, {
      cause: error,
    });
  }
  return resolved;
}

function pemOf(name: 'ca' | 'cert' | 'key', value: string): string {
  if (value.includes('-----BEGIN ')) return value;
  const path = resolve(value);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ScenarioError(`tls.${name}`, `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (text.includes('-----BEGIN ')) return text;
  throw new ScenarioError(`tls.${name}`, `${path} holds no PEM; a file with -----BEGIN … is due`);
}
