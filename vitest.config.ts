import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^channelbox$/, replacement: at('src/index.ts') },
      { find: /^channelbox\/testing$/, replacement: at('testing/index.ts') },
      { find: /^channelbox\/testing\/(vitest|mock-socket)$/, replacement: at('testing/$1.ts') },
      { find: /^channelbox\/load$/, replacement: at('load/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
  },
});
