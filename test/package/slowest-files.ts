/** Prints, when a run has ended, the ten test files that took longest. */
import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

const countMax = 10;

export default class SlowestFiles implements Reporter {
  #root = process.cwd();

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length < 2) return;
    const files = modules.map((module) => {
      const { collectDuration, duration } = module.diagnostic();
      return { path: relative(this.#root, module.moduleId), ms: collectDuration + duration };
    });
    const slowest = files.toSorted((one, other) => other.ms - one.ms).slice(0, countMax);
    const lines = slowest.map(({ path, ms }) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${path}`);
    process.stdout.write(`\n Slowest files\n${lines.join('\n')}\n`);
  }
}
