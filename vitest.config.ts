import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { LongestFirst } from './test/package/longest-first.ts';
import SlowestFiles from './test/package/slowest-files.ts';
import { alone, everything, long, system } from './test/suites.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A project of the suites: what is in `include` and not in `exclude`. */
const suite = (name: string, include: readonly string[], exclude: readonly string[], more: object = {}) => ({
  extends: true as const,
  test: { name, isolate: false, include: [...include], exclude: [...exclude], ...more },
});

/** Where other programs start, compile and connect: a limit that outlasts a machine which has other things to do. */
const patient = { testTimeout: 240_000, hookTimeout: 300_000, expect: { poll: { timeout: 60_000 } } };

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: /^channelbox$/, replacement: at('src/index.ts') },
      { find: /^channelbox\/redis$/, replacement: at('src/redis.ts') },
      { find: /^channelbox\/testing$/, replacement: at('testing/index.ts') },
      { find: /^channelbox\/testing\/(vitest|mock-socket|simulator)$/, replacement: at('testing/$1.ts') },
      { find: /^channelbox\/load$/, replacement: at('load/index.ts') },
    ],
  },
  test: {
    // A fresh process for each file takes half of the time of those that need none: nothing in the project is global.
    projects: [
      suite('unit', everything, [...alone, ...system, ...long]),
      suite('unit-alone', alone, [], { isolate: true }),
      suite('system', system, long, patient),
      suite('long', long, [], patient),
    ],
    reporters: ['default', new SlowestFiles()],
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
