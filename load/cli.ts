#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, freemem, totalmem } from 'node:os';
import process from 'node:process';
import { runCommandLine } from './command/program.ts';
import type { Machine } from './run/doctor.ts';
import { load } from './load.ts';
import { isColoured, type Terminal } from './report/terminal.ts';

/** This program is the command `channelbox`. The one file of the command line that knows the process. */
process.exitCode = await runCommandLine(terminal(), load, version());

function terminal(): Terminal {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) stream.on('error', endOnBrokenPipe);
  return {
    words: process.argv.slice(2),
    environment: env,
    isInteractive: stderr.isTTY && env['TERM'] !== 'dumb',
    isOutColoured: isColoured(env, stdout.isTTY),
    isNoteColoured: isColoured(env, stderr.isTTY),
    get columns(): number {
      // A terminal that does not know its width says 0.
      return stderr.columns || stdout.columns || 100;
    },
    machine: machine(),
    out: (text) => void stdout.write(text),
    note: (text) => void stderr.write(text),
    onInterrupt(callback) {
      process.on('SIGINT', callback).on('SIGTERM', callback);
      return () => void process.off('SIGINT', callback).off('SIGTERM', callback);
    },
    nowMs: () => performance.now(),
    abort: (code) => process.exit(code),
  };
}

/** `channelbox report … | head` is no failure of ours. */
function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}

function machine(): Machine {
  return {
    platform: process.platform,
    nodeVersion: process.versions.node,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    get descriptors(): Machine['descriptors'] {
      return descriptors();
    },
    read: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** Node's own diagnostic report knows the limits on every system that has them. */
function descriptors(): Machine['descriptors'] {
  const report = process.report?.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: DescriptorLimits };
  };
  const limits = report.userLimits?.open_files;
  if (limits === undefined) return undefined;
  const known = (value: number | string): number | undefined => (typeof value === 'number' ? value : undefined);
  return { soft: known(limits.soft), hard: known(limits.hard) };
}

interface DescriptorLimits {
  readonly soft: number | 'unlimited';
  readonly hard: number | 'unlimited';
}

function version(): string {
  const facts = createRequire(import.meta.url)('channelbox/package.json') as { readonly version: string };
  return facts.version;
}
