import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Runs the server until its input ends, which it does however the process at the other end does; then clears up. */
const keeper = '"$0" "$@" & read -r _; kill "$!"; wait "$!"; rm -rf "$FOLDER"';

/** A redis-server for this example alone: over a Unix socket, in a folder that goes with it. */
export class OwnRedis {
  readonly url: string;
  readonly #keeper: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.#keeper = process;
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
    const child = spawn('sh', ['-c', keeper, program, ...settings], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { ...process.env, FOLDER: folder },
    });
    for (let tries = 0; tries < 200 && !existsSync(socket); tries += 1) await setTimeout(25);
    return new OwnRedis(folder, child);
  }

  async stop(): Promise<void> {
    const ended = once(this.#keeper, 'exit');
    this.#keeper.stdin?.end();
    await ended;
  }
}
