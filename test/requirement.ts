/**
 * Programs that some tests need and npm does not bring. Where one is missing, its tests are left out with one line that
 * says how to install it; with `CHANNELBOX_REQUIRE_ALL=1`, as in `.ci/run`, its absence is an error instead.
 *
 * ```ts
 * const chromium = requirement('chromium');
 * describe.skipIf(chromium === undefined)('the chat page', () => { … chromium … });
 * ```
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export type Requirement =
  | 'chromium'
  | 'strace'
  | 'taskset'
  | 'python3-websockets'
  | 'redis-server'
  | 'nginx'
  | 'haproxy'
  | 'nft'
  | 'ip'
  | 'openssl'
  | 'systemd-analyze';

interface Program {
  /** Names to look for, the preferred one first. */
  readonly names: readonly string[];
  /** Environment variable that names the program outright. */
  readonly variable: string;
  readonly install: string;
  /** Arguments with which the program ends with 0 only where it can do what is asked of it. */
  readonly probe?: readonly string[];
}

const programs: Readonly<Record<Requirement, Program>> = {
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    variable: 'CHANNELBOX_CHROMIUM',
    install: 'apt-get install chromium',
  },
  strace: { names: ['strace'], variable: 'CHANNELBOX_STRACE', install: 'apt-get install strace' },
  taskset: { names: ['taskset'], variable: 'CHANNELBOX_TASKSET', install: 'apt-get install util-linux' },
  'redis-server': {
    names: ['redis-server', 'valkey-server'],
    variable: 'CHANNELBOX_REDIS_SERVER',
    install: 'apt-get install redis-server',
  },
  nginx: { names: ['nginx', '/usr/sbin/nginx'], variable: 'CHANNELBOX_NGINX', install: 'apt-get install nginx' },
  haproxy: {
    names: ['haproxy', '/usr/sbin/haproxy'],
    variable: 'CHANNELBOX_HAPROXY',
    install: 'apt-get install haproxy',
  },
  nft: { names: ['nft', '/usr/sbin/nft'], variable: 'CHANNELBOX_NFT', install: 'apt-get install nftables' },
  ip: { names: ['ip', '/usr/sbin/ip', '/sbin/ip'], variable: 'CHANNELBOX_IP', install: 'apt-get install iproute2' },
  'systemd-analyze': {
    names: ['systemd-analyze'],
    variable: 'CHANNELBOX_SYSTEMD_ANALYZE',
    install: 'apt-get install systemd',
  },
  openssl: { names: ['openssl'], variable: 'CHANNELBOX_OPENSSL', install: 'apt-get install openssl' },
  'python3-websockets': {
    names: ['python3', '/usr/bin/python3'],
    variable: 'CHANNELBOX_PYTHON',
    install: 'apt-get install python3-websockets',
    probe: ['-c', 'import websockets'],
  },
};

/**
 * The path of a program, or undefined where this machine lacks it.
 * @throws {Error} when it is missing and `CHANNELBOX_REQUIRE_ALL` is `1`.
 */
export function requirement(name: Requirement): string | undefined {
  const program = programs[name];
  const named = process.env[program.variable];
  const candidates = named === undefined ? program.names : [named];
  for (const candidate of candidates) {
    const path = locate(candidate);
    if (path !== undefined && works(path, program.probe)) return path;
  }
  const advice = `install it (${program.install}) or name it in ${program.variable}`;
  if (process.env['CHANNELBOX_REQUIRE_ALL'] === '1') {
    throw new Error(`${name} is missing, and CHANNELBOX_REQUIRE_ALL=1 leaves no test out: ${advice}`);
  }
  process.stderr.write(`left out: tests that need ${name}; to run them, ${advice}\n`);
  return undefined;
}

function locate(candidate: string): string | undefined {
  if (candidate.includes('/')) return isExecutable(candidate) ? candidate : undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, candidate)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function works(path: string, probe: readonly string[] | undefined): boolean {
  return probe === undefined || spawnSync(path, probe, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}
