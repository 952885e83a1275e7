/** The load kit as it is published, for tests that start processes of it: they begin in a fraction of the time its sources take. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { load } from 'channelbox/load';
import { build } from 'esbuild';
import { builtPackage } from '../package/packed-package.ts';

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));

export interface BuiltKit extends AsyncDisposable {
  readonly cli: string;
  /** Its generator processes are the built ones too. */
  readonly load: typeof load;
  /** Inside the package, so that what is put there finds `channelbox/load` by name. */
  readonly folder: string;
  /** The scenario of `fixtures/rooms.ts`, beside the package that it imports. */
  readonly scenario: string;
  /** A program of `fixtures`, ready for Node. */
  program(name: 'run-load' | 'serve-rooms'): string;
}

export async function builtKit(): Promise<BuiltKit> {
  const home = await builtPackage();
  const folder = await mkdtemp(join(home, 'load-'));
  await cp(join(fixtures, 'rooms.ts'), join(folder, 'rooms.ts'));
  await build({
    entryPoints: ['run-load.ts', 'serve-rooms.ts'].map((file) => join(fixtures, file)),
    outdir: folder,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  const doors = pathToFileURL(join(home, 'dist/load/index.js')).href;
  const kit = (await import(/* @vite-ignore */ doors)) as { readonly load: BuiltKit['load'] };
  return {
    load: kit.load,
    cli: join(home, 'dist/load/cli.js'),
    folder,
    scenario: join(folder, 'rooms.ts'),
    program: (name) => join(folder, `${name}.js`),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
