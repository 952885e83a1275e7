import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from 'channelbox/load';
import { packageFacts, packedPackage, type Consumer } from './packed-package.ts';
import { root, runNode, type Outcome } from './run.ts';

const compilers = { 'TypeScript 7': 'typescript', 'TypeScript 5.9': 'typescript5' } as const;
const fixtures = join(root, 'test/package/fixtures');

/** As strict as a consumer may be, and no more than Node's own types. */
const strictest = {
  target: 'ES2022',
  lib: ['ES2022', 'ESNext.Disposable'],
  module: 'NodeNext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  skipLibCheck: false,
  rootDir: '.',
  outDir: 'out',
};

let consumer: Consumer;
let compiled: ReadonlyMap<string, Outcome>;
beforeAll(async () => {
  consumer = await packedPackage(['@faker-js/faker', 'vitest', 'mock-socket']);
  const programs = ['names.ts', 'service.ts', 'transport.ts', 'unit-test.ts', 'main.ts', 'scenario.ts', 'tiny-load.ts'];
  for (const program of [...programs, 'peers.ts']) await cp(join(fixtures, program), join(consumer.folder, program));
  await writeFile(join(consumer.folder, 'package.json'), '{ "type": "module" }');
  await writeConfig('tsconfig.json', strictest, programs);
  const outcomes = Object.values(compilers).map(
    async (compiler) => [compiler, await compile(compiler, 'tsconfig.json')] as const,
  );
  compiled = new Map(await Promise.all(outcomes));
  // vitest's own declarations do not check without the DOM library; ours are checked by the programs above.
  await writeConfig('tsconfig.peers.json', { ...strictest, skipLibCheck: true }, ['peers.ts']);
});
afterAll(async () => {
  await consumer[Symbol.asyncDispose]();
});

async function writeConfig(name: string, compilerOptions: object, files: readonly string[]): Promise<void> {
  await writeFile(join(consumer.folder, name), JSON.stringify({ compilerOptions, files }));
}

async function compile(compiler: string, config: string): Promise<Outcome> {
  return runNode([join(root, 'node_modules', compiler, 'bin/tsc'), '-p', config], consumer.folder);
}

describe.each(Object.entries(compilers))('a consumer under %s, strict, without the DOM library', (_name, compiler) => {
  test('compiles programs that use every name of the three doors', () => {
    expect(compiled.get(compiler)).toMatchObject({ code: 0, output: '' });
  });

  test('compiles a test with the matchers and the bridge for browser code', async () => {
    expect(await compile(compiler, 'tsconfig.peers.json')).toMatchObject({ code: 0, output: '' });
  });
});

test.each(Object.entries(compilers))(
  'a consumer without any optional peer compiles against every door under %s',
  async (_name, compiler) => {
    await using poor = await packedPackage();
    const doors = Object.keys((await packageFacts()).exports).filter((door) => !door.endsWith('.json'));
    const lines = doors.map((door, index) => `export * as door${index} from 'channelbox${door.slice(1)}';\n`);
    await writeFile(join(poor.folder, 'doors.ts'), lines.join(''));
    await writeFile(join(poor.folder, 'package.json'), '{ "type": "module" }');
    await writeFile(
      join(poor.folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: strictest, files: ['doors.ts'] }),
    );

    const outcome = await runNode([join(root, 'node_modules', compiler, 'bin/tsc'), '-p', '.'], poor.folder);
    expect(outcome).toMatchObject({ code: 0, output: '' });
  },
  60_000,
);

test('a consumer is told of a name that does not exist', async () => {
  await writeFile(
    join(consumer.folder, 'wrong.ts'),
    "import { Chanel } from 'channelbox';\nexport const wrong = Chanel;\n",
  );
  await writeConfig('tsconfig.wrong.json', strictest, ['wrong.ts']);

  expect((await compile('typescript', 'tsconfig.wrong.json')).output).toContain("no exported member named 'Chanel'");
});

describe('the packed package', () => {
  test('runs a program compiled against it', async () => {
    const outcome = await runNode([join('out', 'main.js')], consumer.folder);

    const lines = ['memory: both received', 'tcp: both received', 'own transport: 418', 'listening: true', ''];
    expect(outcome).toMatchObject({ code: 0, output: lines.join('\n') });
  });

  test('brings a command line that explains itself and needs no other package', async () => {
    const outcome = await runNode([join(consumer.installed, 'dist/load/cli.js'), '--help'], consumer.folder);

    expect(outcome.code).toBe(0);
    for (const command of ['load', 'compare', 'report', 'doctor']) expect(outcome.output).toContain(command);
  });

  test('runs a load in process from a scenario in TypeScript, and every delivery is accounted for', async () => {
    const command = [join(consumer.installed, 'dist/load/cli.js'), 'load', 'tiny-load.ts', '--inproc', '--json'];
    const outcome = await runNode(command, consumer.folder);

    expect(outcome, outcome.output).toMatchObject({ code: 0 });
    const { verdict, ledger } = JSON.parse(outcome.stdout) as RunReport;
    expect(verdict).toBe('pass');
    expect(ledger).toMatchObject({ lost: 0, duplicated: 0 });
    expect(ledger.received).toBe(ledger.expected);
    expect(ledger.expected).toBeGreaterThan(0);
  });

  test('has one App class behind all its doors', async () => {
    const program = `
      const { App } = await import('channelbox');
      const { testApp } = await import('channelbox/testing');
      const { defineLoad } = await import('channelbox/load');
      const t = testApp(new App());
      console.log(t.app instanceof App, typeof defineLoad);`;

    expect(await runNode(['--input-type=module', '--eval', program], consumer.folder)).toMatchObject({
      code: 0,
      output: 'true function\n',
    });
  });

  test('runs no script where it is installed', async () => {
    const { scripts } = await packageFacts();
    const ofInstalling = /^(pre|post)?(install|prepare|prepublish|uninstall)$/;
    expect(Object.keys(scripts).filter((name) => ofInstalling.test(name))).toEqual([]);
    // In a clone the set-up is done all the same: npm runs this one after `npm ci`, and only for the project itself.
    expect(scripts).toMatchObject({ dependencies: 'npm run build', prepack: 'npm run build' });
  });

  test('requires ws and nothing else', async () => {
    expect(Object.keys((await packageFacts()).dependencies)).toEqual(['ws']);
  });

  test('holds what its exports name, and no test, example, benchmark or build step', async () => {
    const files = await filesOf(consumer.installed);

    const odd = files.filter(
      (file) =>
        !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md|docs\/[-\w]+\.(md|svg|png)|dist\/(src|testing)\/.*\.(js|d\.ts)|dist\/load\/.*\.d\.ts|dist\/load\/(cli|index)\.js|dist\/load\/THIRD_PARTY_LICENSES\.txt)$/.test(
          file,
        ),
    );
    expect(odd).toEqual([]);
    for (const file of targetsOf((await packageFacts()).exports)) expect(files).toContain(file);
    expect(files.filter((file) => /bench|\.test\./.test(file))).toEqual([]);
  });

  test('names no path of the machine it was built on', async () => {
    const files = (await filesOf(consumer.installed)).map((file) => join(consumer.installed, file));

    const telling = (
      await Promise.all(files.map(async (file) => ((await readFile(file, 'utf8')).includes(root) ? [file] : [])))
    ).flat();
    expect(telling).toEqual([]);
  });

  test('lists the licence of every package bundled into the command line', async () => {
    const licences = await readFile(join(consumer.installed, 'dist/load/THIRD_PARTY_LICENSES.txt'), 'utf8');

    for (const name of ['uplot', 'commander', 'hdr-histogram-js'])
      expect(licences).toMatch(new RegExp(`^${name} [0-9.]+, `, 'm'));
  });
});

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function targetsOf(exports: unknown): string[] {
  if (typeof exports === 'string') return [exports.replace('./', '')];
  return Object.values(exports as object).flatMap(targetsOf);
}
