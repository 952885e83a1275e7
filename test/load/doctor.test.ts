import { expect, test } from 'vitest';
import { doctorExitCode, examine, type Finding, type Machine } from '../../load/run/doctor.ts';

const files: Readonly<Record<string, string>> = {
  '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
  '/proc/sys/net/ipv4/tcp_tw_reuse': '2\n',
  '/proc/sys/net/core/somaxconn': '4096\n',
  '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'performance\n',
  '/proc/meminfo': 'MemTotal:       16000000 kB\nMemFree:  100 kB\nMemAvailable:   12000000 kB\n',
};

test('a machine that is fit for the load is told so', () => {
  const findings = examine(machine({}), 10_000);
  expect(findings.filter((finding) => finding.level !== 'ok')).toEqual([]);
  expect(doctorExitCode(findings)).toBe(0);
});

test('where nothing can be read, nothing is claimed and nothing fails', () => {
  const bare = machine({ read: () => undefined, descriptors: undefined, platform: 'other' });
  const findings = examine(bare, 10_000);
  expect(levels(findings)).toMatchObject({
    descriptors: 'unknown',
    'local ports': 'unknown',
    tcp_tw_reuse: 'unknown',
    somaxconn: 'unknown',
    governor: 'unknown',
  });
  expect(doctorExitCode(findings)).toBe(0);
});

test('too few descriptors limit a load that would need more processes than there are cores for', () => {
  const findings = examine(machine({ descriptors: { soft: 1_024, hard: 1_024 } }), 10_000);
  expect(of(findings, 'descriptors')).toMatchObject({ level: 'limits', found: 'soft 1 024, hard 1 024' });
  expect(of(findings, 'descriptors').change).toContain('10200');
  expect(doctorExitCode(findings)).toBe(1);
});

test('a soft limit below the hard one does not matter, as Node lifts it', () => {
  const findings = examine(machine({ descriptors: { soft: 1_024, hard: 1_048_576 } }), 10_000);
  expect(of(findings, 'descriptors').level).toBe('ok');
});

test('unlimited descriptors are enough', () => {
  const findings = examine(machine({ descriptors: { soft: undefined, hard: undefined } }), 10_000);
  expect(of(findings, 'descriptors')).toMatchObject({ level: 'ok', found: 'soft unlimited, hard unlimited' });
});

test('a port range below the planned clients limits, and says how many addresses would do', () => {
  const finding = of(examine(machine({}), 50_000), 'local ports');
  expect(finding).toMatchObject({ level: 'limits', found: '32768–60999, 28 232 ports' });
  expect(finding.change).toContain('2 addresses');
});

test.each([
  ['tcp_tw_reuse', '/proc/sys/net/ipv4/tcp_tw_reuse', '0', 'sysctl -w net.ipv4.tcp_tw_reuse=1'],
  ['somaxconn', '/proc/sys/net/core/somaxconn', '128', 'sysctl -w net.core.somaxconn=1000'],
  [
    'governor',
    '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor',
    'powersave',
    'cpupower frequency-set -g performance',
  ],
])('%s is advised on with the command that changes it', (what, path, value, command) => {
  const finding = of(examine(machine({ files: { ...files, [path]: value } }), 10_000), what);
  expect(finding.level).toBe('advice');
  expect(finding.change).toContain(command);
});

test('two cores are advised on, memory and Node that do not suffice limit', () => {
  const small = machine({
    cores: 2,
    nodeVersion: '18.20.0',
    files: { ...files, '/proc/meminfo': 'MemAvailable: 100000 kB\n' },
  });
  expect(levels(examine(small, 10_000))).toMatchObject({ cores: 'advice', memory: 'limits', Node: 'limits' });
});

test('without /proc/meminfo the free memory of the system counts', () => {
  const findings = examine(machine({ files: {}, freeMemoryBytes: 1024 ** 3, memoryBytes: 4 * 1024 ** 3 }), 10_000);
  expect(of(findings, 'memory').found).toBe('1.0 GiB of 4.0 GiB available');
});

function machine(change: Partial<Machine> & { readonly files?: Readonly<Record<string, string>> }): Machine {
  const { files: readable = files, ...rest } = change;
  return {
    platform: 'linux',
    nodeVersion: '20.19.0',
    cores: 8,
    memoryBytes: 16 * 1024 ** 3,
    freeMemoryBytes: 8 * 1024 ** 3,
    descriptors: { soft: 1_048_576, hard: 1_048_576 },
    read: (path) => readable[path],
    ...rest,
  };
}

function of(findings: readonly Finding[], what: string): Finding {
  const finding = findings.find((candidate) => candidate.what === what);
  if (finding === undefined) throw new Error(`no finding on ${what}`);
  return finding;
}

function levels(findings: readonly Finding[]): Readonly<Record<string, string>> {
  return Object.fromEntries(findings.map((finding) => [finding.what, finding.level]));
}
