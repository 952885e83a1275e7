import { spawn, spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { root } from '../../package/run.ts';
import type { RunJob, RunResult } from './job.ts';

const folder = join(root, 'artifacts', 'programs', `redis-faults-${process.pid}`);
let building: Promise<void> | undefined;

/** Short leases: what takes seconds by default takes half of one. */
const shortTimes = { deadlineMs: 2_000, leaseMs: 900, leaseRenewMs: 300, verifyMs: 500 };

/** Whether a run can have a network of its own, and drop packets in it; else each process has a proxy. */
const canFilter = spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset'], { stdio: 'ignore' }).status === 0;

interface RunOptions extends Partial<Omit<RunJob, 'program' | 'faults'>> {
  readonly program: string;
  readonly faults: readonly string[];
  /** The times are those of whoever sets none. */
  readonly isByDefault?: boolean;
}

/** 24 receivers on three processes, 5 000 acknowledged messages; runs a program of its own, and reads what it found. */
export async function faultRun({ layer, isByDefault, ...options }: RunOptions): Promise<RunResult> {
  building ??= built();
  await building;
  const job: RunJob = {
    node: join(folder, 'service/node.mjs'),
    logs: join(root, 'artifacts', 'redis-faults'),
    seed: 1,
    ackedMin: 5_000,
    receivers: 24,
    rooms: 6,
    network: canFilter ? 'nft' : 'proxy',
    ...options,
    layer: { prefix: 'faults', ...(isByDefault ? {} : shortTimes), ...layer },
  };
  const run = [process.execPath, join(folder, 'main.mjs'), JSON.stringify(job)];
  // With little room in the kernel a process that does not read is noticed soon.
  const inNetwork = `ip link set lo up; for way in rmem wmem; do echo 4096 16384 65536 > /proc/sys/net/ipv4/tcp_$way; done; exec "$0" "$@"`;
  const [program = '', ...args] =
    job.network === 'nft' ? ['unshare', '--net', '--kill-child', 'sh', '-c', inNetwork, ...run] : run;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = await text(child.stdout);
  try {
    return JSON.parse(output) as RunResult;
  } catch {
    throw new Error(`the run of ${job.faults.join(', ')} printed no findings: ${output}`);
  }
}

async function built(): Promise<void> {
  // Inside the checkout, so that packages are found; ignored by git.
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: ['main', 'service/node'].map((name) => join(root, `test/redis/processes/${name}.ts`)),
    outdir: folder,
    outbase: join(root, 'test/redis/processes'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { 'channelbox/redis': join(root, 'src/redis.ts'), channelbox: join(root, 'src/index.ts') },
    external: ['ws', '@redis/client'],
    logLevel: 'silent',
  });
}
