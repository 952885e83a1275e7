import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** Runs a program written in this folder in a process of its own; rejects where that ends with an error. */
export async function runProgram(contents: string, ...flags: readonly string[]): Promise<{ stdout: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'channelbox-program-'));
  try {
    const outfile = join(folder, 'program.mjs');
    await build({
      stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      external: ['@redis/client'],
    });
    return await promisify(execFile)(process.execPath, [...flags, outfile]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
