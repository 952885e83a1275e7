/**
 * The doctor finds what of this machine limits a load: each finding has what it means and the command that changes it.
 * Reads only what it is handed, so that it can be asked about any machine.
 */

/** How `doctor` sees a machine. Every reading may be missing: another system, a container, no rights. */
export interface Machine {
  /** `linux`, `darwin`, … */
  readonly platform: string;
  /** `20.19.0`, without the `v`. */
  readonly nodeVersion: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  /** Descriptors one process may open; undefined where unlimited. */
  readonly descriptors: { readonly soft: number | undefined; readonly hard: number | undefined } | undefined;
  /** A file's text, or undefined where it is not there or not readable. */
  readonly read: (path: string) => string | undefined;
}

/**
 * - `ok`: does not stand in the way.
 * - `limits`: the planned number of clients will not work until it is changed.
 * - `advice`: works, but figures will be worse or less steady.
 * - `unknown`: could not be read here.
 */
export type FindingLevel = 'ok' | 'limits' | 'advice' | 'unknown';

export interface Finding {
  readonly what: string;
  readonly found: string;
  readonly level: FindingLevel;
  /** What it means for a load of the planned size. */
  readonly meaning: string;
  /** The command that changes it, where one does. */
  readonly change?: string;
}

/** What is kept free in each process for files, pipes and the runtime itself. */
const descriptorsSpare = 200;
/** Resident memory a client takes in the generator and the kernel together, at most, rounded up: `ws` client, 2026. */
const bytesPerClient = 24 * 1024;
/** The generator spreads loopback clients over addresses, 200 to each; to anywhere else it has the one it was given. */
const node = { majorMin: 20, minorMin: 19 } as const;

/**
 * Looks the machine over for a load of so many clients.
 * @param clients planned on this machine, from one source address where the target is not on loopback.
 */
export function examine(machine: Machine, clients: number): readonly Finding[] {
  return [
    descriptors(machine, clients),
    ports(machine, clients),
    reuse(machine),
    backlog(machine, clients),
    cores(machine),
    governor(machine),
    memory(machine, clients),
    runtime(machine),
  ];
}

/** 1 where a finding limits the planned load, else 0: advice and what could not be read do not fail a script. */
export function doctorExitCode(findings: readonly Finding[]): 0 | 1 {
  return findings.some((finding) => finding.level === 'limits') ? 1 : 0;
}

/** Node lifts its soft limit to the hard one as it starts, children included: the hard one is what counts. */
function descriptors(machine: Machine, clients: number): Finding {
  const what = 'descriptors';
  if (machine.descriptors === undefined) {
    const meaning = 'a process needs one for each client; see `ulimit -n`';
    return { what, found: 'not readable', level: 'unknown', meaning };
  }
  const { soft, hard } = machine.descriptors;
  const found = `soft ${count(soft)}, hard ${count(hard)}`;
  if (hard === undefined) return { what, found, level: 'ok', meaning: 'any number of clients a process' };
  const perProcess = Math.max(0, hard - descriptorsSpare);
  const processes = perProcess === 0 ? Infinity : Math.ceil(clients / perProcess);
  const room = `room for ${count(perProcess)} clients a process (Node lifts soft to hard)`;
  if (processes <= 1) return { what, found, level: 'ok', meaning: `${room}; a server here needs as many` };
  return {
    what,
    found,
    level: processes <= Math.max(2, machine.cores) ? 'advice' : 'limits',
    meaning: `${room}: ${count(clients)} clients need ${count(processes)} generator processes; a server of one process stops at ${count(perProcess)}`,
    change: changeDescriptors(clients),
  };
}

function changeDescriptors(clients: number): string {
  const wanted = clients + descriptorsSpare;
  return `ulimit -n ${wanted} as root, or "* - nofile ${wanted}" in /etc/security/limits.conf, then log in again`;
}

function ports(machine: Machine, clients: number): Finding {
  const what = 'local ports';
  const range = numbers(machine.read('/proc/sys/net/ipv4/ip_local_port_range'));
  const [first, last] = range;
  if (first === undefined || last === undefined) {
    const meaning = 'each connection from one address to one target takes a port; commonly 16 000 to 28 000 are free';
    return { what, found: 'not readable', level: 'unknown', meaning };
  }
  const free = last - first + 1;
  const found = `${first}–${last}, ${count(free)} ports`;
  if (free >= clients * 1.1) {
    return {
      what,
      found,
      level: 'ok',
      meaning: 'enough from one source address; loopback clients are spread over many',
    };
  }
  const addresses = Math.ceil((clients * 1.1) / free);
  return {
    what,
    found,
    level: 'limits',
    meaning: `one source address reaches a target with ${count(free)} clients at most; on loopback the kit spreads them by itself`,
    change: `sysctl -w net.ipv4.ip_local_port_range="1024 65535", or ${addresses} addresses: --local-ip <address> for each`,
  };
}

function reuse(machine: Machine): Finding {
  const what = 'tcp_tw_reuse';
  const [value] = numbers(machine.read('/proc/sys/net/ipv4/tcp_tw_reuse'));
  if (value === undefined) {
    return { what, found: 'not readable', level: 'unknown', meaning: 'ports of closed connections rest for a minute' };
  }
  if (value > 0) {
    const where = value === 2 ? 'on loopback' : 'everywhere';
    return { what, found: String(value), level: 'ok', meaning: `ports of closed connections are taken again ${where}` };
  }
  const meaning =
    'ports of closed connections rest for a minute: runs one after another find fewer and connect more slowly';
  return { what, found: '0', level: 'advice', meaning, change: 'sysctl -w net.ipv4.tcp_tw_reuse=1' };
}

function backlog(machine: Machine, clients: number): Finding {
  const what = 'somaxconn';
  const [value] = numbers(machine.read('/proc/sys/net/core/somaxconn'));
  if (value === undefined) {
    return {
      what,
      found: 'not readable',
      level: 'unknown',
      meaning: 'how many connects may wait for the server to accept them',
    };
  }
  const wanted = Math.min(4096, Math.max(512, Math.ceil(clients / 10)));
  if (value >= wanted) {
    const meaning = 'enough connects may wait at the server; Node asks for 511 unless told: server.listen({ backlog })';
    return { what, found: count(value), level: 'ok', meaning };
  }
  return {
    what,
    found: count(value),
    level: 'advice',
    meaning: 'on the server: more connects at once are dropped, and try again after 1, 3, 7 s',
    change: `sysctl -w net.core.somaxconn=${wanted}, and server.listen({ backlog: ${wanted} })`,
  };
}

function cores(machine: Machine): Finding {
  const what = 'cores';
  if (machine.cores >= 4) {
    return { what, found: String(machine.cores), level: 'ok', meaning: 'one generator process for each core but one' };
  }
  return {
    what,
    found: String(machine.cores),
    level: 'advice',
    meaning:
      'with the server on this machine too, the two share them: the report says whether the generator had to wait',
    change: 'for figures of the server alone, run the load from another machine',
  };
}

function governor(machine: Machine): Finding {
  const what = 'governor';
  const value = machine.read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')?.trim();
  if (value === undefined || value === '') {
    return { what, found: 'not readable', level: 'unknown', meaning: 'clocks are set by the host, or do not change' };
  }
  if (value === 'performance') return { what, found: value, level: 'ok', meaning: 'the clock stays up' };
  return {
    what,
    found: value,
    level: 'advice',
    meaning: 'the clock follows the work: latency at low load looks worse than at high load, and rounds differ',
    change: 'cpupower frequency-set -g performance',
  };
}

function memory(machine: Machine, clients: number): Finding {
  const wanted = clients * bytesPerClient;
  const available = availableMemory(machine);
  const found = `${bytes(available)} of ${bytes(machine.memoryBytes)} available`;
  const meaning = `${count(clients)} clients take at most ${bytes(wanted)} here, without the server`;
  if (available >= wanted * 1.5) return { what: 'memory', found, level: 'ok', meaning };
  return {
    what: 'memory',
    found,
    level: available >= wanted ? 'advice' : 'limits',
    meaning,
    change: 'fewer --clients, or --client raw, which takes about half',
  };
}

/** What the kernel could hand out; `free` alone counts its caches as taken. */
function availableMemory(machine: Machine): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(machine.read('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? machine.freeMemoryBytes : Number(kilobytes) * 1024;
}

function runtime(machine: Machine): Finding {
  const [major = 0, minor = 0] = machine.nodeVersion.split('.').map(Number);
  const isEnough = major > node.majorMin || (major === node.majorMin && minor >= node.minorMin);
  const found = machine.nodeVersion;
  if (isEnough) return { what: 'Node', found, level: 'ok', meaning: 'supported' };
  const wanted = `${node.majorMin}.${node.minorMin}`;
  return {
    what: 'Node',
    found,
    level: 'limits',
    meaning: `channelbox needs ${wanted} or later`,
    change: `install Node ${wanted} or later`,
  };
}

function numbers(text: string | undefined): readonly number[] {
  return (text ?? '').split(/\s+/).filter(Boolean).map(Number).filter(Number.isFinite);
}

function count(value: number | undefined): string {
  if (value === undefined) return 'unlimited';
  return Number.isFinite(value) ? value.toLocaleString('en-US').replaceAll(',', ' ') : 'no number of';
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(value) / Math.log(1024)));
  return `${(value / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? 'B'}`;
}
