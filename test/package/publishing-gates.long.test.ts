/** What `npm run package:check` runs, each of which packs the package: each tool refuses the fault that it is there for. */
import { describe, expect, test } from 'vitest';
import { plantedTree, type Files } from './planted-tree.ts';
import type { Outcome } from './run.ts';

const door = 'export const one: number = 1;\n';

/** The smallest tree whose doors are all there, source and built. */
const sound: Files = {
  'README.md': '# a package\n',
  LICENSE: 'MIT\n',
  'CHANGELOG.md': '# Changelog\n',
  '.gitignore': 'dist\n',
  'src/index.ts':
    "import { createRequire } from 'node:module';\nimport 'ws';\n\nexport const require: NodeJS.Require = createRequire(import.meta.url);\n",
  'testing/index.ts': door,
  'testing/vitest.ts': door,
  'testing/mock-socket.ts': door,
  'testing/simulator.ts': door,
  'src/redis.ts': door,
  'load/index.ts': door,
  'load/cli.ts': '#!/usr/bin/env node\nexport const main: number = 1;\n',
  ...Object.fromEntries(
    [
      'src/index',
      'src/redis',
      'testing/index',
      'testing/vitest',
      'testing/mock-socket',
      'testing/simulator',
      'load/index',
      'load/cli',
    ].flatMap((file) => [
      [
        `dist/${file}.js`,
        file === 'load/cli' ? '#!/usr/bin/env node\nexport const one = 1;\n' : 'export const one = 1;\n',
      ],
      [`dist/${file}.d.ts`, 'export declare const one: number;\n'],
    ]),
  ),
};

async function outcome(files: Files, script: string, ...args: readonly string[]): Promise<Outcome> {
  await using tree = await plantedTree(files);
  return await tree.tool(script, ...args);
}

describe('knip', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome({ ...sound, ...files }, 'knip/bin/knip.js', '--include', 'files,exports,unlisted,unresolved');

  test('refuses a file or an export that nothing imports, and a package that package.json does not name', async () => {
    const { code, output } = await check({
      'src/dead.ts': door,
      'src/half.ts': `${door}export const two: number = 2;\n`,
      'src/index.ts': "export { one } from './half.ts';\nexport { default as pad } from 'left-pad';\n",
    });

    expect(code).not.toBe(0);
    expect(output).toMatch(/Unused files \(1\)\s+src\/dead\.ts/);
    expect(output).toMatch(/Unused exports \(1\)\s+two .*src\/half\.ts/);
    expect(output).toMatch(/Unlisted dependencies \(1\)\s+left-pad .*src\/index\.ts/);
    expect(output.match(/^U\w+ \w+ \(/gm)).toHaveLength(3);
  });
});

describe('publint', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome({ ...sound, ...files }, 'publint/src/cli.js', '--strict', '--pack', 'npm');

  test('refuses a door that is CommonJS in the clothes of an ES module, and it alone', async () => {
    const { code, output } = await check({ 'dist/src/index.js': "module.exports = require('ws');\n" });

    expect(code).not.toBe(0);
    expect(output).toContain('dist/src/index.js');
    expect(output).not.toContain('2. ');
  });
});

describe('attw', () => {
  const check = (files: Files): ReturnType<typeof outcome> =>
    outcome(
      { ...sound, ...files },
      '@arethetypeswrong/cli/dist/index.js',
      '--pack',
      '--profile',
      'esm-only',
      '--no-color',
      '--no-emoji',
    );

  test('refuses a door whose types lead nowhere, and it alone', async () => {
    const { code, output } = await check({ 'dist/testing/index.d.ts': "export * from './nowhere';\n" });

    expect(code).not.toBe(0);
    expect(output.match(/from ESM\): .*/g)).toEqual([
      'from ESM): OK (ESM)',
      'from ESM): OK (ESM)',
      'from ESM): Internal resolution error',
      ...Array.from({ length: 4 }, () => 'from ESM): OK (ESM)'),
      'from ESM): OK (JSON)',
    ]);
  });
});
