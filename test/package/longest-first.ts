/** Starts the files that take longest first, so that two workers end together. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Where browsers, servers, compilers and real loads are at work; the longest first. All others take a second or less. */
const long = [
  'test/package/tool-gates.test.ts',
  'test/browser/chat.test.ts',
  'test/package/consumer.test.ts',
  'test/package/standalone.test.ts',
  'test/load/cli-process.test.ts',
  'test/load/anyones-server.test.ts',
  'test/load/starvation.test.ts',
  'test/load/faulty-server.test.ts',
  'test/browser/report.test.ts',
  'test/load/run.test.ts',
  'test/docs/snippets.test.ts',
  'test/examples/servers.test.ts',
  'test/load/inproc.test.ts',
  'test/package/',
  'test/load/',
  'test/transport/',
] as const;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const path = relative(this.ctx.config.root, moduleId).replaceAll('\\', '/');
      const index = long.findIndex((start) => path.startsWith(start));
      return index < 0 ? long.length : index;
    };
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
