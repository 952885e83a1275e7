/** Starts an example as its user does, in a process of its own, and ends it by its own id. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningExample extends AsyncDisposable {
  /** Of its HTTP side, as in `http://127.0.0.1:40123`. */
  readonly url: string;
  /** The same for sockets. */
  readonly wsUrl: string;
  readonly process: ChildProcess;
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGINT'): Promise<Ended>;
}

/**
 * Starts `examples/<name>/server.ts`, compiled from the checkout as it is now, not from what was built last.
 * @throws {Error} where it ends before it has said where it listens.
 */
export async function runExample(name: string, args: readonly string[] = ['--port', '0']): Promise<RunningExample> {
  const example = await startExample(name, args);
  const { child, ended, output } = example;
  const line = await Promise.race([example.firstLine, ended.then(() => undefined)]);
  const url = /(http:\/\/\S+?)\/?$/.exec(line ?? '')?.[1];
  if (url === undefined) throw new Error(`examples/${name} did not say where it listens:\n${output()}`);
  return {
    url,
    wsUrl: url.replace('http', 'ws'),
    process: child,
    async end(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs it to its end, for arguments that it refuses; where it takes them and serves, it is killed. */
export async function runExampleToEnd(name: string, args: readonly string[]): Promise<Ended> {
  const { child, ended, firstLine } = await startExample(name, args);
  void firstLine.then(() => child.kill('SIGKILL'));
  return ended;
}

async function startExample(
  name: string,
  args: readonly string[],
): Promise<{ child: ChildProcess; ended: Promise<Ended>; firstLine: Promise<string>; output: () => string }> {
  // Inside the checkout, so that packages are found; ignored by git.
  const folder = join(root, 'artifacts', 'examples', `${name}-${process.pid}-${process.hrtime.bigint()}`);
  const file = join(folder, 'server.js');
  await mkdir(folder, { recursive: true });
  await cp(join(root, 'examples', name), folder, {
    recursive: true,
    filter: (path) => !/node_modules|\.ts$/.test(path),
  });
  await build({
    entryPoints: [join(root, 'examples', name, 'server.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { channelbox: join(root, 'src/index.ts') },
    external: ['ws', 'express', 'express-session', 'fastify', 'hono', '@hono/node-server', 'jose'],
    logLevel: 'silent',
  });
  const child = spawn(process.execPath, [file, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
  const firstLine = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line));
  const ended = once(child, 'close').then(async ([code, signal]) => {
    await rm(folder, { recursive: true, force: true });
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, ...texts };
  });
  return { child, ended, firstLine, output: () => texts.stdout + texts.stderr };
}
