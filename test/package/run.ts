/** Programs that a test runs to their end. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root: string = fileURLToPath(new URL('../../', import.meta.url));

/** What a tool said and how it ended; a tool that finds fault is a result, not an exception. */
export interface Outcome {
  readonly code: number;
  /** Both streams. */
  readonly output: string;
  readonly stdout: string;
}

/** Runs Node on a file, without a shell. */
export async function runNode(args: readonly string[], cwd: string): Promise<Outcome> {
  return run(process.execPath, args, cwd);
}

export async function run(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  // attw and publint pack what they look at; packing must not build the project anew.
  const env = { ...process.env, npm_config_ignore_scripts: 'true', NO_COLOR: '1', FORCE_COLOR: '0' };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, output: stdout + stderr, stdout };
  } catch (error) {
    const failure = error as { readonly code?: unknown; readonly stdout?: string; readonly stderr?: string };
    if (typeof failure.code !== 'number') throw error;
    const { stdout = '', stderr = '' } = failure;
    return { code: failure.code, output: stdout + stderr, stdout };
  }
}

/** @throws {Error} with what it said, where it does not end with 0. */
export async function succeed(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(program, args, cwd);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
}
