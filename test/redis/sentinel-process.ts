import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { expect, vi } from 'vitest';
import type { RedisServer } from './redis-server.ts';

/** One sentinel, which is enough where there is one server to watch. */
export class SentinelProcess implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #port: number;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.#port = port;
  }

  static async start(program: string, port: number, master: RedisServer): Promise<SentinelProcess> {
    const file = join(master.folder, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 3000',
      'sentinel failover-timeout main 5000',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return new SentinelProcess(spawn(program, [file, '--sentinel'], { stdio: 'ignore' }), port);
  }

  async sees(replicas: number): Promise<void> {
    const client = createClient({ url: `redis://127.0.0.1:${this.#port}` });
    client.on('error', () => {});
    await client.connect();
    await vi.waitFor(
      async () => {
        const reply = (await client.sendCommand(['SENTINEL', 'REPLICAS', 'main'])) as unknown[];
        expect(reply).toHaveLength(replicas);
      },
      { timeout: 60_000, interval: 200 },
    );
    client.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
