import { cp, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { builtPackage } from '../package/packed-package.ts';
import { runNode } from '../package/run.ts';

test('several apps and seeds make the same histories in every process, whatever its heap is like', async () => {
  const folder = await mkdtemp(join(await builtPackage(), 'hashes-'));
  await cp(fileURLToPath(new URL('./hashes.mjs', import.meta.url)), join(folder, 'hashes.mjs'));
  const outputs: string[] = [];
  for (const flags of [[], ['--max-semi-space-size=1'], ['--no-opt', '--expose-gc'], ['--single-threaded-gc']]) {
    const { code, stdout } = await runNode([...flags, 'hashes.mjs'], folder);
    expect(code).toBe(0);
    outputs.push(stdout);
  }
  await rm(folder, { recursive: true, force: true });
  const [first = '', ...others] = outputs;
  const lines = first.trim().split('\n');
  expect(lines).toHaveLength(9);
  for (const line of lines) expect(line).toMatch(/: [\da-f]{16}, [1-9]\d* deliveries$/);
  expect(new Set(lines.map((line) => line.split(': ')[1])).size).toBe(9);
  for (const other of others) expect(other).toBe(first);
}, 240_000);
