import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../package/run.ts';
import { mutants, type Mutant } from './mutants.ts';
import type * as Scenes from './scenes.ts';

let folder = '';
beforeAll(async () => {
  await mkdir(join(root, 'artifacts'), { recursive: true });
  folder = await mkdtemp(join(root, 'artifacts', 'mutants-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The scenes with the framework as it is, or with one mistake in it. */
async function bundled(mutant: Mutant | undefined, name: string): Promise<typeof Scenes> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL('./scenes.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['ws'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'mistake',
        setup: ({ onLoad }) => {
          if (mutant === undefined) return;
          onLoad({ filter: new RegExp(`${mutant.file}$`) }, async ({ path }) => {
            const text = await readFile(path, 'utf8');
            if (!text.includes(mutant.from)) throw new Error(`${mutant.file} has no longer: ${mutant.from}`);
            return { contents: text.replace(mutant.from, () => mutant.to), loader: 'ts' };
          });
        },
      },
    ],
  });
  return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as typeof Scenes;
}

describe('a mistake in the framework', () => {
  for (const [at, mutant] of mutants.entries()) {
    test(`is found at each of three seeds, made small, and is a test: ${mutant.name}`, async () => {
      const right = await bundled(undefined, 'right');
      const wrong = await bundled(mutant, `mutant-${at}`);
      for (const seed of [1, 2, 3]) {
        const report = await wrong.simulate({ ...wrong.scenes[mutant.scene]!, seed, runs: 200 });
        const { failure } = report;
        expect(failure, `seed ${seed}: not found`).toBeDefined();
        if (failure === undefined) return;
        expect(failure.steps.length, report.toString()).toBeLessThanOrEqual(10);
        await expect(wrong.replay(wrong.scenes[mutant.scene]!, failure.case)).rejects.toThrow(failure.name);
        await expect(right.replay(right.scenes[mutant.scene]!, failure.case)).resolves.toBeUndefined();
      }
    }, 120_000);
  }

  test('there are thirty of them at least, and without any nothing is found', async () => {
    expect(mutants.length).toBeGreaterThanOrEqual(30);
    const { simulate, scenes } = await bundled(undefined, 'right');
    for (const [name, simulation] of Object.entries(scenes)) {
      const report = await simulate({ ...simulation, seed: 1, runs: 200 });
      expect(report.failure, `${name}: ${report.toString()}`).toBeUndefined();
    }
  }, 240_000);
});
