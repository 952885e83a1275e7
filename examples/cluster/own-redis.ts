import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** A redis-server for this example alone: over a Unix socket, in a folder that goes with it. */
export class OwnRedis {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
    this.url = `unix:${folder}/redis.sock`;
  }

  /** @returns undefined where none is installed */
  static async start(): Promise<OwnRedis | undefined> {
    const program = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);
    if (program === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'chat-redis-'));
    const socket = join(folder, 'redis.sock');
    const settings = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no'];
    // In a group of its own: Ctrl-C is for the chat, which ends it last.
    const child = spawn(program, settings, { stdio: 'ignore', detached: true });
    process.once('exit', () => child.kill('SIGKILL'));
    for (let tries = 0; tries < 200 && !existsSync(socket); tries += 1) await setTimeout(25);
    return new OwnRedis(folder, child);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
