import type { SimFailure } from '../api/report.ts';
import { caseSource, source } from './case-text.ts';

export interface TestFileOptions {
  /** Specifier of the module whose default export is the simulation. */
  readonly simulation: string;
  readonly runner?: 'vitest' | 'node';
}

/** A test that repeats a failure: it fails with the failure's name, and passes once the app is right. */
export function testFile(
  failure: SimFailure,
  seed: number,
  { simulation, runner = 'vitest' }: TestFileOptions,
): string {
  const from = runner === 'vitest' ? 'vitest' : 'node:test';
  const title = `${failure.kind} ${failure.name}`;
  const message = failure.message.split('\n', 1)[0] as string;
  return [
    `// Found by simulation: seed ${seed}, run ${failure.run}. ${title}: ${message.replaceAll(/[\r\u2028\u2029]/g, ' ')}`,
    `// Again: npx channelbox simulate ${simulation} --seed ${seed} --runs ${failure.run + 1}`,
    `import { test } from '${from}';`,
    "import { replay } from 'channelbox/testing/simulator';",
    `import simulation from ${source(simulation)};`,
    '',
    `test(${source(`simulated: ${title}`)}, async () => {`,
    `  await replay(simulation, ${caseSource(failure.case, '  ')});`,
    '});',
    '',
  ].join('\n');
}
