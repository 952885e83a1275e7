/**
 * The last step of `npm run build`: puts what the load kit needs into the two files that are published of it,
 * `dist/load/cli.js` and `dist/load/index.js`, so that `npx channelbox load` works by itself and a service that
 * installs channelbox gets `ws` and nothing else. The licences of what is inside stand beside them.
 *
 * `channelbox` and `channelbox/testing` stay imports by name and `src/internal.ts` one of a file, so that there is one `App` class in a process; so do `ws`
 * and the optional peers, which belong to whoever installs the package.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { argv, cwd } from 'node:process';
import { build, type Metafile, type Plugin } from 'esbuild';
import type { ReportAssets } from '../load/report/page/asset.ts';

/** What a package says of itself, and its licence. */
interface PackageFacts {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** What stands for each door in the two files. */
const doors: ReadonlyMap<string, string> = new Map([
  ['src/index.ts', 'channelbox'],
  // No export leads here; it lies beside what `channelbox` itself is, so that both know the same classes.
  ['src/internal.ts', '../src/internal.js'],
  ['testing/index.ts', 'channelbox/testing'],
  ['testing/simulator.ts', 'channelbox/testing/simulator'],
]);

const doorNames = [...doors.keys()].join(', ').replace(/, (?=[^,]*$)/, ' and ');

/** Its texts go into report pages, so no import leads to it. */
const chartFolder = 'node_modules/uplot';

const byName: readonly string[] = ['channelbox', 'channelbox/*', 'ws', '@faker-js/faker', 'autocannon', 'esbuild'];

/** Modules in CommonJS ask for Node's own modules with `require`, which an ES module lacks. */
const banner = [
  "import { createRequire as requireOf } from 'node:module';",
  'const require = requireOf(import.meta.url);',
].join('\n');

/** npm runs its scripts in the folder of package.json. */
const root = cwd();
await bundle(resolve(argv[2] ?? join(root, 'dist')));

/** Writes the two files and the licences into `<output>/load`. */
async function bundle(output: string): Promise<void> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['load/cli.ts', 'load/index.ts'],
    outdir: join(output, 'load'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    external: [...byName],
    banner: { js: banner },
    define: { CHANNELBOX_REPORT_ASSETS: JSON.stringify(await reportAssets()) },
    plugins: [doorsByName(), requiresInside()],
    // Names of classes and functions are in messages and stacks. The licences of all that is inside stand beside it, in full.
    minify: true,
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  const folders = new Set([chartFolder, ...inputsOf(result.metafile).flatMap(packageFolder)]);
  const packages = await Promise.all([...folders].map(readPackage));
  await writeFile(join(output, 'load', 'THIRD_PARTY_LICENSES.txt'), licences(packages));
}

/** Imports of `../src/index.ts` and `../testing/index.ts` become imports of the package by its own name; the kits' own door stays a file. */
function doorsByName(): Plugin {
  return {
    name: 'doors-by-name',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const target = relative(root, resolve(resolveDir, path)).split(sep).join('/');
        const door = doors.get(target);
        if (door !== undefined) return { path: door, external: true };
        if (!/^(src|testing)\//.test(target)) return undefined;
        return {
          errors: [{ text: `${target} is behind a door: load may import ${doorNames} only` }],
        };
      });
    },
  };
}

/** `createRequire(import.meta.url)('x')`, a package loaded when it is first needed, is beyond the bundler; a plain `require` is not. */
function requiresInside(): Plugin {
  return {
    name: 'requires-inside',
    setup(build) {
      build.onLoad({ filter: /[\\/]load[\\/].*\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        return { contents: source.replaceAll(/\bcreateRequire\(import\.meta\.url\)\(/g, 'require('), loader: 'ts' };
      });
    },
  };
}

/** The texts of a report page, read where `load/report/page/asset.ts` would read them at run time from a checkout. */
async function reportAssets(): Promise<ReportAssets> {
  const own = (name: string): Promise<string> => readFile(join(root, 'load/report/page', name), 'utf8');
  const chart = (name: string): Promise<string> => readFile(join(root, chartFolder, 'dist', name), 'utf8');
  return {
    chartScript: await chart('uPlot.iife.min.js'),
    chartStyle: await chart('uPlot.min.css'),
    pageScript: await own('page.js'),
    pageStyle: await own('page.css'),
  };
}

function inputsOf(metafile: Metafile): string[] {
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

/** The folder of the package that a file belongs to; none for a file of our own. */
function packageFolder(file: string): string[] {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file.split(sep).join('/'));
  return match?.[1] === undefined ? [] : [match[1]];
}

async function readPackage(folder: string): Promise<PackageFacts> {
  const { name, version, license } = JSON.parse(
    await readFile(join(root, folder, 'package.json'), 'utf8'),
  ) as PackageFacts;
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'license.md', 'COPYING']) {
    try {
      return { name, version, license, text: (await readFile(join(root, folder, file), 'utf8')).trim() };
    } catch {
      // the next spelling
    }
  }
  return { name, version, license, text: `The package carries no licence text; its package.json says ${license}.` };
}

function licences(packages: readonly PackageFacts[]): string {
  const parts = packages
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(({ name, version, license, text }) => `${name} ${version}, ${license}\n\n${text}\n`);
  const heading = 'cli.js and index.js of this folder contain code of these packages.\n';
  return [heading, ...parts].join(`\n${'='.repeat(100)}\n\n`);
}
