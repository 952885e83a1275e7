import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimReport } from 'channelbox/testing/simulator';
import { root } from '../../package/run.ts';
import { EmittedFolder, type EmittedTest } from './emitted.ts';
import { mutants, type Mutant } from './mutants.ts';
import type * as Scenes from './scenes.ts';

const stepsMax = 10;
const shrinkCpuMsMax = 5_000;

let folder = '';
let wrongs: EmittedFolder;
let rights: EmittedFolder;
const emitted: EmittedTest[] = [];
beforeAll(async () => {
  await mkdir(join(root, 'artifacts'), { recursive: true });
  folder = await mkdtemp(join(root, 'artifacts', 'mutants-'));
  wrongs = new EmittedFolder(join(folder, 'wrong'));
  rights = new EmittedFolder(join(folder, 'right'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The scenes with the framework as it is, or with one mistake in it, as a file. */
async function bundle(mutant: Mutant | undefined, name: string): Promise<string> {
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
  return outfile;
}

async function load(file: string): Promise<typeof Scenes> {
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as typeof Scenes;
}

/** Two hundred runs at most, and what making the failure small cost of the processor. */
async function search(
  { simulate, scenes }: typeof Scenes,
  { scene }: Mutant,
  seed: number,
): Promise<[SimReport, number]> {
  let before = process.cpuUsage();
  const onProgress = ({ phase }: { phase: string }): void => {
    if (phase === 'run') before = process.cpuUsage();
  };
  const report = await simulate({ ...scenes[scene]!, seed, runs: 200, onProgress });
  const { user, system } = process.cpuUsage(before);
  return [report, (user + system) / 1_000];
}

describe('a mistake in the framework', () => {
  for (const [at, mutant] of mutants.entries()) {
    test(`is found at each of three seeds, made small, and is a test: ${mutant.name}`, async () => {
      const right = await load(await bundle(undefined, 'right'));
      const file = await bundle(mutant, `mutant-${at}`);
      const wrong = await load(file);
      for (const seed of [1, 2, 3]) {
        const [report, shrinkCpuMs] = await search(wrong, mutant, seed);
        const { failure } = report;
        expect(failure, `seed ${seed}: not found`).toBeDefined();
        if (failure === undefined) return;
        expect(failure.steps.length, report.toString()).toBeLessThanOrEqual(stepsMax);
        expect(shrinkCpuMs, report.toString()).toBeLessThan(shrinkCpuMsMax);
        await expect(wrong.replay(wrong.scenes[mutant.scene]!, failure.case)).rejects.toThrow(failure.name);
        await expect(right.replay(right.scenes[mutant.scene]!, failure.case)).resolves.toBeUndefined();
        if (seed > 1) continue;
        const one: EmittedTest = { name: `mutant-${at}`, scene: mutant.scene, failure: failure.name };
        emitted.push(one);
        await wrongs.put(one, report, file);
        await rights.put(one, report);
      }
    });
  }

  test('there are forty of them at least, and without any nothing is found, and all is reached', async () => {
    expect(mutants.length).toBeGreaterThanOrEqual(40);
    const { simulate, scenes } = await load(await bundle(undefined, 'right'));
    for (const [name, simulation] of Object.entries(scenes)) {
      const report = await simulate({ ...simulation, seed: 1, runs: 200 });
      expect(report.ok, `${name}: ${report.toString()}`).toBe(true);
    }
  }, 240_000);

  describe('written down as a test', () => {
    test('fails on the mistake, and says its name, under either runner', async () => {
      const [vitest, node] = [
        await wrongs.runUnderVitest(),
        await wrongs.runUnderNode(emitted.map(({ name }) => name)),
      ];
      expect(emitted).toHaveLength(mutants.length);
      for (const { name, failure } of emitted) {
        expect(vitest.get(name), `${name} under vitest`).toContain(failure);
        expect(node.get(name), `${name} under node:test`).toContain(failure);
      }
    }, 240_000);

    test('passes without it, under either runner', async () => {
      await rights.share(await bundle(undefined, 'right'));
      expect([...(await rights.runUnderVitest())]).toEqual([]);
      expect([...(await rights.runUnderNode(emitted.map(({ name }) => name)))]).toEqual([]);
    }, 240_000);
  });
});
