import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { LongestFirst } from './test/package/longest-first.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const include = ['test/**/*.test.ts'];
/** These replace `ws` with another, for all that their process loads. */
const alone = ['test/transport/{once,older-ws,strange-ws}.test.ts'];

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: /^channelbox$/, replacement: at('src/index.ts') },
      { find: /^channelbox\/testing$/, replacement: at('testing/index.ts') },
      { find: /^channelbox\/testing\/(vitest|mock-socket)$/, replacement: at('testing/$1.ts') },
      { find: /^channelbox\/load$/, replacement: at('load/index.ts') },
    ],
  },
  test: {
    // A fresh process for each file takes half of the time of those that need none: nothing in the project is global.
    projects: [
      { extends: true, test: { name: 'shared', isolate: false, include, exclude: alone } },
      { extends: true, test: { name: 'own', isolate: true, include: alone } },
    ],
    globalSetup: ['test/package/build-once.ts'],
    // Processes, not threads: some tests read process.env, open servers and send signals.
    pool: 'forks',
    // One more than there are cores: who loads a server, or drives a browser, waits for a third of the time.
    maxWorkers: availableParallelism() + 1,
    // Polls end when they hold; how long that takes is the machine's affair.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 5_000,
    // A test that needs a second try is a defect; so is an error nobody awaited, which vitest then counts as a failure.
    retry: 0,
    dangerouslyIgnoreUnhandledErrors: false,
    // The order is that of the file unless `--sequence.shuffle.tests` is given; then vitest prints the seed it replays from.
    sequence: { hooks: 'stack', sequencer: LongestFirst },
  },
});

export default config;
