/** Puts emitted tests where a user would, beside a package with a mistake in it and beside the same without, and runs them. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SimReport } from 'channelbox/testing/simulator';
import { root, runNode } from '../../package/run.ts';

export interface EmittedTest {
  readonly name: string;
  readonly scene: string;
  /** What the failure is called. */
  readonly failure: string;
}

const vitest = join(root, 'node_modules/vitest/vitest.mjs');

/** A package called channelbox, of one bundle. */
async function install(folder: string, bundle: string): Promise<void> {
  const home = join(folder, 'node_modules/channelbox');
  await mkdir(home, { recursive: true });
  await cp(bundle, join(home, 'simulator.mjs'));
  const facts = { name: 'channelbox', type: 'module', exports: { './testing/simulator': './simulator.mjs' } };
  await writeFile(join(home, 'package.json'), JSON.stringify(facts));
}

/** All emitted tests of one kind of package: `wrong`, of which each has its own, or `right`. */
export class EmittedFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The package of all who have none of their own. */
  async share(bundle: string): Promise<void> {
    await install(this.path, bundle);
  }

  async put({ name, scene }: EmittedTest, report: SimReport, bundle?: string): Promise<void> {
    const folder = join(this.path, name);
    await mkdir(folder, { recursive: true });
    if (bundle !== undefined) await install(folder, bundle);
    // Below a package called channelbox its own name would mean that one.
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name, private: true }));
    const simulation = `import { scenes } from 'channelbox/testing/simulator';\nexport default scenes[${JSON.stringify(scene)}];\n`;
    await writeFile(join(folder, 'scene.mjs'), simulation);
    await writeFile(join(folder, 'found.test.mjs'), report.toTest({ simulation: './scene.mjs' }));
    await writeFile(join(folder, 'found.node.mjs'), report.toTest({ simulation: './scene.mjs', runner: 'node' }));
  }

  /** @returns by name what each said that failed */
  async runUnderVitest(): Promise<Map<string, string>> {
    const output = join(this.path, 'report.json');
    // Else that of the checkout would be taken, which looks elsewhere.
    await writeFile(
      join(this.path, 'vitest.config.mjs'),
      "export default { test: { include: ['**/found.test.mjs'] } };\n",
    );
    const words = ['run', '--root', this.path, '--no-isolate', '--maxWorkers=2', '--reporter=json'];
    await runNode([vitest, ...words, `--outputFile=${output}`], this.path);
    const { testResults } = JSON.parse(await readFile(output, 'utf8')) as {
      readonly testResults: readonly {
        readonly name: string;
        readonly message: string;
        readonly assertionResults: readonly { readonly status: string; readonly failureMessages: readonly string[] }[];
      }[];
    };
    if (testResults.length === 0) throw new Error(`vitest found no test in ${this.path}`);
    const said = new Map<string, string>();
    for (const { name, message, assertionResults } of testResults) {
      const [only] = assertionResults;
      if (only?.status === 'passed') continue;
      said.set(name.split('/').at(-2) as string, [message, ...(only?.failureMessages ?? [])].join('\n'));
    }
    return said;
  }

  /** The same under Node's own runner. */
  async runUnderNode(names: readonly string[]): Promise<Map<string, string>> {
    const said = new Map<string, string>();
    for (const name of names) {
      const { code, output } = await runNode(['--test', 'found.node.mjs'], join(this.path, name));
      if (code !== 0) said.set(name, output);
    }
    return said;
  }
}
