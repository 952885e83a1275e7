import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtPackage } from '../package/packed-package.ts';
import { root, runNode, type Outcome } from '../package/run.ts';

let home = '';
let folder = '';
beforeAll(async () => {
  home = await builtPackage();
  // Inside the package, so that what is put there finds channelbox by name; below the checkout, so that it finds vitest.
  folder = await mkdtemp(join(home, 'sim-'));
  await cp(fileURLToPath(new URL('../load/fixtures/room.sim.ts', import.meta.url)), join(folder, 'room.sim.ts'));
}, 180_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const simulate = (...words: string[]): Promise<Outcome> =>
  runNode([join(home, 'dist/load/cli.js'), 'simulate', 'room.sim.ts', ...words], folder);

test('a failure is told, written down as a test, and exits with 1; the same seed again tells the same', async () => {
  const first = await simulate('--seed', '3', '--runs', '50', '--emit', 'found.test.ts', '--json', '--quiet');
  expect(first.output).toContain('"kind":"checker","name":"perSenderFifo"');
  expect(first.code).toBe(1);
  const emitted = await readFile(join(folder, 'found.test.ts'), 'utf8');
  expect(emitted).toContain("import { test } from 'vitest';");
  expect(emitted).toContain('--seed 3');
  const second = await simulate('--seed', '3', '--runs', '50');
  expect(second.output).toContain((JSON.parse(first.stdout) as { hash: string }).hash);
  expect(second.output).toContain(emitted.trim());
});

test('an app that is right exits with 0, a file without a simulation with 2', async () => {
  process.env['ROOM_IS_RIGHT'] = '1';
  const right = await simulate('--seed', '3', '--runs', '20', '--quiet');
  delete process.env['ROOM_IS_RIGHT'];
  expect([right.code, right.output.trim().split('\n').at(-1)]).toEqual([0, 'nothing failed']);
  const none = await runNode([join(home, 'dist/load/cli.js'), 'simulate', join(root, 'vitest.config.ts')], folder);
  expect(none.code).toBe(2);
});

test('Ctrl-C ends it after the run that is under way, prints what there is and exits with 130', async () => {
  const { code, stdout } = await new Promise<{ code: number | null; stdout: string }>((resolve) => {
    const env = { ...process.env, ROOM_IS_RIGHT: '1' };
    const words = [join(home, 'dist/load/cli.js'), 'simulate', 'room.sim.ts', '--seed', '3', '--budget', '10m'];
    const child = execFile(process.execPath, words, { cwd: folder, env }, (_error, out) => {
      resolve({ code: child.exitCode, stdout: out });
    });
    // The first line of progress says that runs are under way.
    child.stderr?.once('data', () => child.kill('SIGINT'));
  });
  expect(code).toBe(130);
  expect(stdout).toMatch(/^seed 3: \d+ runs?, /);
});
