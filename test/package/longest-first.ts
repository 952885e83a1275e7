/**
 * Starts the files that take longest first, so that all workers end together. Before them come those that want a process
 * of their own: a process that is shared ends where the next file wants its own, and all it had loaded with it.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Where browsers, servers, compilers and real loads are at work; the longest first. All others take a second or less. */
const long = [
  'test/load/faulty-server.long.test.ts',
  'test/load/run.long.test.ts',
  'test/load/starvation.system.test.ts',
  'test/load/anyones-server.system.test.ts',
  'test/browser/chat.test.ts',
  'test/package/consumer.long.test.ts',
  'test/docs/public-names.long.test.ts',
  'test/docs/snippets.long.test.ts',
  'test/package/tool-gates.long.test.ts',
  'test/load/cli-process.long.test.ts',
  'test/browser/report.test.ts',
  'test/package/standalone.long.test.ts',
  'test/load/inproc.long.test.ts',
  'test/examples/servers.long.test.ts',
  'test/transport/sending.test.ts',
  'test/package/',
  'test/load/',
  'test/transport/',
] as const;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const path = relative(this.ctx.config.root, moduleId).replaceAll('\\', '/');
      const index = long.findIndex((start) => path.startsWith(start));
      const place = index < 0 ? long.length : index;
      return project.config.isolate ? place : place + long.length + 1;
    };
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
