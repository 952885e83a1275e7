import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));

export interface ProgramOptions {
  readonly args?: readonly string[];
  /** How many descriptors it may have; default: the machine's. */
  readonly descriptors?: number;
}

/** A program of the tests in a process of its own, as the checkout is now: it says `{ port }` when it serves, and answers what it is asked. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  readonly #folder: string;
  #errors = '';

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.child = child;
    this.url = `ws://127.0.0.1:${port}`;
    this.#folder = folder;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  /** @param file from the root of the checkout */
  static async start(file: string, { args = [], descriptors }: ProgramOptions = {}): Promise<Program> {
    // Inside the checkout, so that packages are found; ignored by git.
    const folder = join(root, 'artifacts', 'programs', `${process.pid}-${process.hrtime.bigint()}`);
    await mkdir(folder, { recursive: true });
    const bundle = join(folder, `${basename(file, '.ts')}.mjs`);
    await build({
      entryPoints: [join(root, file)],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: ['ws'],
      logLevel: 'silent',
    });
    const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `;
    const child = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, bundle, ...args], {
      cwd: root,
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Program(child, port, folder);
  }

  /** What it wrote to standard error. */
  get errors(): string {
    return this.#errors;
  }

  async ask<T>(what: string): Promise<T> {
    const answer = once(this.child, 'message');
    this.child.send(what);
    return (await answer)[0] as T;
  }

  /** Nothing of it runs until `proceed`, as in a machine that swaps or is moved. */
  stop(): void {
    this.child.kill('SIGSTOP');
  }

  proceed(): void {
    this.child.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
