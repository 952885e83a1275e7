import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AppSnapshot, Limits } from 'channelbox';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** `room-server.ts` as it is now, in a process of its own: to be stopped, starved and killed. */
export class ServerProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  readonly #folder: string;
  #errors = '';

  private constructor(child: ChildProcess, url: string, folder: string) {
    this.child = child;
    this.url = url;
    this.#folder = folder;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  /** @param descriptors how many it may have; default: the machine's */
  static async start(limits: Partial<Limits> = {}, descriptors?: number): Promise<ServerProcess> {
    // Inside the checkout, so that packages are found; ignored by git.
    const folder = join(root, 'artifacts', 'faults', `${process.pid}-${process.hrtime.bigint()}`);
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'server.mjs');
    await build({
      entryPoints: [join(root, 'test/faults/room-server.ts')],
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: ['ws'],
      logLevel: 'silent',
    });
    const command = `${descriptors === undefined ? '' : `ulimit -n ${descriptors}; `}exec "$0" "$@"`;
    const child = spawn('sh', ['-c', command, process.execPath, file, JSON.stringify(limits)], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new ServerProcess(child, `ws://127.0.0.1:${port}`, folder);
  }

  /** What it wrote at level error. */
  get errors(): string {
    return this.#errors;
  }

  async inspect(): Promise<AppSnapshot> {
    const answer = once(this.child, 'message');
    this.child.send('inspect');
    return (await answer)[0] as AppSnapshot;
  }

  /** Nothing of it runs until `proceed`, as in a machine that swaps or is moved. */
  stop(): void {
    this.child.kill('SIGSTOP');
  }

  proceed(): void {
    this.child.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'exit');
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
