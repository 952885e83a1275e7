import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { masked } from '../address.ts';
import type { TargetAddress } from '../generator/client/generator-context.ts';
import type { RunSummary } from '../plan/run-summary.ts';

export interface EnvironmentOptions {
  readonly client: 'ws' | 'raw';
  readonly summary: RunSummary;
  readonly processes: number;
  readonly targets: readonly TargetAddress[];
  readonly localAddresses: readonly string[];
  readonly startedAt: Date;
  readonly elapsedMs: number;
}

/** A report says where and how its run was made. */
export function environmentOf(options: EnvironmentOptions): Record<string, string | number> {
  const isLocal = options.targets.every(({ address }) => address.startsWith('127.') || address === '::1');
  return {
    startedAt: options.startedAt.toISOString(),
    elapsedMs: options.elapsedMs,
    target: options.targets.map(({ url }) => masked(url)).join(' '),
    placement: isLocal ? 'co-located with the server' : 'apart from the server',
    client: options.client,
    ...agreedOf(options.summary),
    processes: options.processes,
    sourceAddresses: Math.max(1, options.localAddresses.length),
    node: process.versions.node,
    platform: `${process.platform} ${release()} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    descriptors: descriptorLimit(),
  };
}

/** What differs from a plain connection; a certificate that nobody looked at is said. */
function agreedOf({ tls, compression }: RunSummary): Record<string, string> {
  return {
    ...(tls?.insecure === true ? { certificate: 'not verified: any is believed (insecure)' } : {}),
    ...(tls?.cert === undefined ? {} : { clientCertificate: 'given' }),
    ...(compression ? { compression: 'permessage-deflate offered' } : {}),
  };
}

/** A process also needs descriptors for itself. */
const ownDescriptors = 100;
const clientsPerProcess = 500;

/** Generators for a scenario: one for 500 clients, at most one a core, but as many as the descriptors demand. */
export function processesFor({ clients }: RunSummary): number {
  const byCores = Math.min(availableParallelism(), Math.ceil(clients / clientsPerProcess));
  const byDescriptors = Math.ceil(clients / Math.max(1, descriptorLimit() - ownDescriptors));
  return Math.max(1, byCores, Math.min(64, byDescriptors));
}

/** Open files that one process may have. */
function descriptorLimit(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    if (match !== null) return Number(match[1]);
  } catch {
    // not Linux
  }
  return 10_000;
}
