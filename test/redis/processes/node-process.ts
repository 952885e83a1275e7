import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { RedisHealth, RedisMetrics } from 'channelbox/redis';
import type { NodeJob } from './job.ts';
import type { NodeOrder } from './service/node.ts';

export interface NodeStatus {
  readonly health: RedisHealth;
  readonly metrics: RedisMetrics;
  readonly dropped: number;
}

/** One process of the service, as the run starts, ends, stops and asks it. */
export class NodeProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  #isStopped = false;
  /** Questions are answered in turn. */
  #asked: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(file: string, job: NodeJob, isDropping: boolean): Promise<NodeProcess> {
    const child = spawn(process.execPath, [file], {
      env: { ...process.env, FAULT_NODE: JSON.stringify(job), ...(isDropping ? { FAULT_DROPS: '1' } : {}) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`a process of the service ended with ${String(code)} before it listened`);
    });
    const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number }];
    ended.catch(() => {});
    return new NodeProcess(child, port);
  }

  get isRunning(): boolean {
    return this.isThere && !this.#isStopped;
  }

  get isThere(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  status(): Promise<NodeStatus> {
    return this.#ask<NodeStatus>({ ask: 'status' });
  }

  members(room: string): Promise<string[]> {
    return this.#ask<string[]>({ ask: 'members', room });
  }

  stall(ms: number): Promise<number> {
    return this.#ask<number>({ ask: 'stall', ms });
  }

  drop(count: number): Promise<null> {
    return this.#ask<null>({ ask: 'drop', count });
  }

  send(to: string, payload: object): Promise<string> {
    return this.#ask<string>({ ask: 'send', to, payload });
  }

  stop(): void {
    this.#isStopped = true;
    this.#child.kill('SIGSTOP');
  }

  proceed(): void {
    this.#child.kill('SIGCONT');
    this.#isStopped = false;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isThere) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }

  #ask<T>(order: NodeOrder): Promise<T> {
    const asking = this.#asked.then(async () => {
      const answered = once(this.#child, 'message') as Promise<[{ answer: T }]>;
      this.#child.send(order);
      return (await answered)[0].answer;
    });
    this.#asked = asking.catch(() => {});
    return asking;
  }
}
