/** The example for Jest under jsdom, as its README says: its packages from its own lock, then its test. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, run, runNode } from './run.ts';

const folder = join(root, 'examples/testing-jest');

test('Jest under jsdom runs the kit, a page and the bridge', { timeout: 300_000 }, async () => {
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  const { code, output } = await runNode(['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'], folder);
  expect(output).toContain('2 passed');
  expect(code).toBe(0);
});
