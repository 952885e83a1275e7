import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from './run.ts';
import { sourceFiles, type SourceFile } from './source-files.ts';

/** Files that plant faults on purpose, this one among them. */
const planters = /^test\/package\/(tidy|lint-gate|tool-gates\.long)\.test\.ts$/;

/** Words split here, so that this file does not contain what it looks for. */
const unfinished = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`);

/** A rule about lines: which files, which lines offend, and which are let off, for a reason that stands in the line or the one above. */
interface LineRule {
  readonly what: string;
  readonly files: RegExp;
  readonly offends: RegExp;
  readonly excuse?: RegExp;
  readonly offender: string;
  readonly innocent: string;
}

const lineRules: readonly LineRule[] = [
  {
    what: 'work left undone',
    files: /./,
    offends: unfinished,
    offender: `// ${'TO' + 'DO'}: later`,
    innocent: '// a list of things to do',
  },
  {
    what: 'a focused test',
    files: /\.test\.ts$/,
    offends: /\b(test|it|describe|suite)(\.\w+)*\.only\b/,
    offender: "describe.only('x', () => {",
    innocent: "test('only one member receives', () => {",
  },
  {
    what: 'a test that is left out',
    files: /\.ts$/,
    offends: /\b(test|it|describe|suite)(\.\w+)*\.(skip|todo|skipIf|runIf)\b/,
    excuse: /\brequirement\b|=== undefined|\/\/ left out: \w+/,
    offender: "test.skip('x', () => {",
    innocent: "describe.skipIf(chromium === undefined)('the page', () => {",
  },
  {
    what: 'a test that sleeps',
    files: /^test\/.*\.ts$/,
    offends:
      /(?<!\.)setTimeout\((r|res|resolve|done|go)\b|\bawait (sleep|delay|wait|pause)\(\d|setTimeout.*from 'node:timers\/promises'/,
    excuse: /\/\/ real time: \w+/,
    offender: 'await new Promise((resolve) => setTimeout(resolve, 10));',
    innocent: 'await t.clock.advance(10);',
  },
  {
    what: 'a path of one machine',
    files: /./,
    offends: /(?<![\w.:/}])\/(work|root|home\/\w+|Users\/\w+)\/[\w.]/,
    offender: `cd ${'/ro' + 'ot'}/project`,
    innocent: 'ws://example.test/work/7',
  },
  {
    what: 'the address of a package registry',
    files: /./,
    offends: /https?:\/\/[^\s'"/]*(registry|artifactory|nexus|verdaccio)[^\s'"]*|"resolved": "(?!\.\.)/,
    offender: `"resolved": "https://registry.example.test/ws.tgz"`,
    innocent: 'https://www.npmjs.com/package/ws',
  },
  {
    what: 'a check that is switched off without a reason',
    files: /\.(ts|js)$/,
    offends: /(oxlint|eslint)-disable(?!.* -- \w)|@ts-(ignore|nocheck)|\/\/ @ts-expect-error(?!.*\w{3})/,
    excuse: /@ts-ignore for who lacks an optional peer/,
    offender: '// oxlint-disable-next-line no-console',
    innocent: '// oxlint-disable-next-line no-console -- the command line speaks to a person',
  },
];

/** What may stand at the top: the project's folders and the tools' own settings. */
const topLevel = `
  src testing load bench build site test examples docs .ci .github package.json package-lock.json README.md LICENSE CHANGELOG.md
  CONTRIBUTING.md SECURITY.md
  .gitignore tsconfig.json tsconfig.build.json vitest.config.ts .oxlintrc.json .oxfmtrc.json knip.json`.split(/\s+/);

const lineCaps: readonly (readonly [RegExp, number])[] = [
  [/^(src|testing|load|examples)\/.*\.(ts|js)$/, 350],
  [/^test\/.*\.ts$/, 500],
];

let files: readonly SourceFile[];
beforeAll(async () => {
  files = await sourceFiles();
});

function offences(rule: LineRule, { path, text }: SourceFile): string[] {
  if (!rule.files.test(path) || planters.test(path)) return [];
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const excused = rule.excuse?.test(line) === true || rule.excuse?.test(lines[index - 1] ?? '') === true;
    return rule.offends.test(line) && !excused ? [`${path}:${index + 1}: ${line.trim()}`] : [];
  });
}

describe.each(lineRules)('$what', (rule) => {
  test('is recognised, and what only looks like it is not', () => {
    const path = 'test/planted.test.ts';
    expect(offences(rule, { path, text: `\n${rule.offender}\n` })).toHaveLength(1);
    expect(offences(rule, { path, text: `\n${rule.innocent}\n` })).toEqual([]);
  });

  test('stands nowhere in the project', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((file) => offences(rule, file))).toEqual([]);
  });
});

describe('the tree', () => {
  test('holds at its top what the design names and nothing else', () => {
    const found = new Set(files.map(({ path }) => path.split('/')[0] ?? path));
    expect([...found].filter((name) => !topLevel.includes(name))).toEqual([]);
  });

  test('has no file named after nothing', () => {
    const vague = /^(utils?|helpers?|types?|constants?|common|misc|shared|lib)\.(ts|js)$/;
    expect(files.map(({ path }) => path).filter((path) => vague.test(basename(path)))).toEqual([]);
  });

  test('names its files in lower case, words joined by hyphens', () => {
    const source = files.map(({ path }) => path).filter((path) => /\.(ts|js|css|html)$/.test(path));
    expect(source.filter((path) => !/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(basename(path)))).toEqual([]);
  });

  test('keeps its files short enough to hold one idea', () => {
    const long = files.flatMap(({ path, text }) => {
      const cap = lineCaps.find(([pattern]) => pattern.test(path))?.[1] ?? Infinity;
      const lines = text.split('\n').length - 1;
      return lines > cap ? [`${path}: ${lines} lines, cap ${cap}`] : [];
    });
    expect(long).toEqual([]);
  });
});

describe('a lock file', () => {
  interface Locked {
    readonly version?: string;
    readonly integrity?: string;
    readonly link?: boolean;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  }

  // npm 11 writes none for a platform whose package it could not fetch, and then refuses its own file in `npm ci`.
  test("has an entry with a version for every platform's package", () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, Locked>>;
    };
    const missing = Object.entries(packages).flatMap(([folder, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => {
        const entry = packages[`${folder}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
        return entry?.version === undefined;
      }),
    );
    expect(missing).toEqual([]);
  });

  test('says of every package what its content hashes to', () => {
    const locks = files.filter(({ path }) => basename(path) === 'package-lock.json');
    expect(locks.length).toBeGreaterThan(0);
    const unsaid = locks.flatMap(({ path, text }) => {
      const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Locked>> };
      const installed = Object.entries(packages).filter(
        ([folder, { link }]) => folder.includes('node_modules/') && !link,
      );
      return installed.flatMap(([folder, { integrity }]) => (integrity === undefined ? [`${path}: ${folder}`] : []));
    });
    expect(unsaid).toEqual([]);
  });
});
