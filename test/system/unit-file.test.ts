/** The unit of systemd in examples/deploy: what systemd says of it, and whether it fits the program that it starts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../package/run.ts';
import { requirement } from '../requirement.ts';

const analyze = requirement('systemd-analyze');
const unit = readFileSync(join(root, 'examples/deploy/channelbox.service'), 'utf8');

/** The last value that a key has. */
function valueOf(key: string): string {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].at(-1)?.[1] ?? '';
}

describe.skipIf(analyze === undefined)('systemd', () => {
  test('finds nothing wrong with the unit', () => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'));
    try {
      const file = join(folder, 'chat.service');
      // Only the program has to be one that this machine has.
      writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
      const { status, stderr, stdout } = spawnSync(analyze ?? '', ['verify', '--man=no', file], { encoding: 'utf8' });
      const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('chat.service'));
      expect({ status, about }).toEqual({ status: 0, about: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the unit of examples/deploy', () => {
  const server = readFileSync(join(root, 'examples/chat/server.ts'), 'utf8');

  test('stops with a signal that the chat drains on', () => {
    expect(server).toContain(`process.on('${valueOf('KillSignal')}'`);
  });

  test('waits longer than the chat, and than the longest drain that the documents name', () => {
    const drains = [server, readFileSync(join(root, 'docs/production.md'), 'utf8')].flatMap((text) =>
      [...text.matchAll(/withinMs: ([\d_]+)/g)].map(([, ms]) => Number(ms?.replaceAll('_', ''))),
    );
    expect(drains.length).toBeGreaterThan(1);
    expect(Number(valueOf('TimeoutStopSec')) * 1_000).toBeGreaterThan(Math.max(...drains));
  });

  test('starts it by an option that it has, at a port that the proxies know', () => {
    const [, option, port] = /server\.js (--\w+) (\d+)$/.exec(valueOf('ExecStart')) ?? [];
    expect(server).toContain(`${option} <number>`);
    for (const file of ['nginx.conf', 'haproxy.cfg', 'Caddyfile']) {
      expect(readFileSync(join(root, 'examples/deploy', file), 'utf8'), file).toContain(`:${port}`);
    }
  });

  test('gives it the descriptors that the document asks for', () => {
    expect(readFileSync(join(root, 'docs/production.md'), 'utf8')).toContain(`LimitNOFILE=${valueOf('LimitNOFILE')}`);
  });
});
