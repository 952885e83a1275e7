import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { freePort } from '../free-port.ts';

type Admin = ReturnType<typeof createClient>;

export interface ServerOptions {
  /** Lines of configuration, without their dashes: `['maxmemory', '3mb']`. */
  readonly settings?: readonly (readonly string[])[];
  /** Over a Unix socket alone. */
  readonly isUnix?: boolean;
  /** Left out: a free one. */
  readonly port?: number;
  readonly password?: string;
}

/** A redis-server of the test's own, that can be killed, frozen and started again. */
export class RedisServer implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly url: string;
  readonly #program: string;
  readonly #options: ServerOptions;
  #process: ChildProcess | undefined;
  #admin: Admin | undefined;

  private constructor(program: string, port: number, options: ServerOptions) {
    this.#program = program;
    this.#options = options;
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), 'channelbox-redis-'));
    this.url = options.isUnix === true ? `unix:${this.folder}/redis.sock` : `redis://127.0.0.1:${port}`;
  }

  static async start(program: string, options: ServerOptions = {}): Promise<RedisServer> {
    const port = options.isUnix === true ? 0 : (options.port ?? (await freePort()));
    const server = new RedisServer(program, port, options);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const settings = (this.#options.settings ?? []).flatMap(([name, ...values]) => [`--${name}`, ...values]);
    const { password } = this.#options;
    const process = spawn(
      this.#program,
      [
        ...['--port', String(this.port), '--dir', this.folder, '--save', '', '--appendonly', 'no'],
        ...['--bind', '127.0.0.1', '--unixsocket', join(this.folder, 'redis.sock')],
        ...(password === undefined ? [] : ['--requirepass', password]),
        ...settings,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#process = process;
    process.stdout?.resume();
    process.stderr?.resume();
    await this.#reachable();
  }

  /** For what a test asks or does behind the layer's back. */
  async admin(): Promise<Admin> {
    if (this.#admin?.isOpen === true) return this.#admin;
    const { password } = this.#options;
    this.#admin = createClient({
      socket: { path: join(this.folder, 'redis.sock'), reconnectStrategy: false },
      ...(password === undefined ? {} : { password }),
    });
    this.#admin.on('error', () => {});
    await this.#admin.connect();
    return this.#admin;
  }

  async command(...args: string[]): Promise<unknown> {
    return (await this.admin()).sendCommand(args);
  }

  /** Connections of one kind; the test's own is none. @returns how many were there */
  async killClients(kind: 'normal' | 'pubsub'): Promise<number> {
    return Number(await this.command('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes'));
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.exitCode !== null) return;
    const ended = once(process, 'exit');
    process.kill('SIGKILL');
    await ended;
    this.#admin?.destroy();
    this.#admin = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Real time: the server is another process. */
  async #reachable(): Promise<void> {
    const startMs = performance.now();
    for (;;) {
      const socket = createConnection(join(this.folder, 'redis.sock'));
      const [event] = await Promise.race([
        once(socket, 'connect').then(() => ['connect']),
        once(socket, 'error').then(() => ['error']),
      ]).catch(() => ['error']);
      socket.destroy();
      if (event === 'connect') break;
      if (performance.now() - startMs > 25_000) throw new Error('redis-server did not start');
      // real time: the server is another process
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
