import type { ChildProcess } from 'node:child_process';
import type { GeneratorListener, GeneratorPort } from '../../message.ts';
import { LoadError } from '../../load-error.ts';
import { revive } from '../../plain-error.ts';
import type { RunSummary } from '../../plan/run-summary.ts';
import type { GeneratorTask, ScenarioSource } from './task.ts';
import { forkGenerator, type FromWorker, type ToWorker } from './worker.ts';

interface PoolMember {
  readonly child: ChildProcess;
  /** Who waits for the next word before the run. */
  expect: { resolve(message: FromWorker): void; reject(error: Error): void } | undefined;
  hasResult: boolean;
  /** The end of what it wrote to standard error. */
  lastWords: string;
}

/** The pool has the generator processes of one run. `close` ends them. */
export class GeneratorPool {
  readonly #members: PoolMember[] = [];
  #listener: GeneratorListener | undefined;
  #isClosing: boolean = false;

  /** Starts the first process and has it import the scenario. */
  async open(source: ScenarioSource): Promise<RunSummary> {
    return await this.#join(source);
  }

  /** Starts the others and has all of them make their part of the plan. */
  async prepare(options: Omit<GeneratorTask, 'process'> & { readonly source: ScenarioSource }): Promise<void> {
    const { source, ...shared } = options;
    const missing = Array.from({ length: shared.processes - this.#members.length }, () => this.#join(source));
    await Promise.all(missing);
    const prepared = this.#members.map((member, process) =>
      this.#ask(member, { type: 'prepare', task: { ...shared, process } }),
    );
    await Promise.all(prepared);
  }

  get ports(): readonly GeneratorPort[] {
    return this.#members.map((member) => ({ send: (message) => this.#tell(member, { type: 'run', message }) }));
  }

  /** From here on the generators talk to it. */
  attach(listener: GeneratorListener): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#members.map(({ child }) => ended(child)));
  }

  async #join(source: ScenarioSource): Promise<RunSummary> {
    const child = forkGenerator();
    const member: PoolMember = { child, expect: undefined, hasResult: false, lastWords: '' };
    const index = this.#members.push(member) - 1;
    child.on('message', (message) => this.#receive(index, member, message as FromWorker));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      member.lastWords = `${member.lastWords}${text}`.slice(-lastWordsLength);
      process.stderr.write(text);
    });
    // A message that could not be sent (EPIPE) is how its end is noticed, not why it ended: that is said by its exit.
    child.on('error', (error) => child.pid === undefined && this.#gone(index, member, error.message));
    child.on('close', (code, signal) => this.#gone(index, member, endOf(member, code, signal)));
    const answer = await this.#ask(member, { type: 'import', source });
    if (answer.type !== 'summary')
      throw new LoadError('CHANNELBOX_LOAD_FAILED', `a generator answered ${answer.type} to import`);
    return answer.summary;
  }

  #ask(member: PoolMember, message: ToWorker): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      member.expect = { resolve, reject };
      this.#tell(member, message);
    });
  }

  #tell(member: PoolMember, message: ToWorker): void {
    // One that is gone has said so, or will: the exit event decides.
    if (member.child.connected) member.child.send(message, () => undefined);
  }

  #receive(index: number, member: PoolMember, message: FromWorker): void {
    if (message.type === 'run') {
      if (message.message.type === 'result') member.hasResult = true;
      return this.#listener?.receive(index, message.message);
    }
    const { expect } = member;
    member.expect = undefined;
    if (message.type !== 'refused') expect?.resolve(message);
    else if (expect !== undefined) expect.reject(revive(message.error));
    else this.#listener?.lost(index, `failed: ${message.error.message}`);
  }

  #gone(index: number, member: PoolMember, why: string): void {
    if (this.#isClosing) return;
    const error = new LoadError('CHANNELBOX_LOAD_FAILED', `generator ${index + 1} ${why} before the run`);
    member.expect?.reject(error);
    if (!member.hasResult) this.#listener?.lost(index, why);
  }
}

const lastWordsLength = 2_000;

/** Why a process is gone, in words: how it ended, and the error it wrote when it did. */
function endOf({ lastWords }: PoolMember, code: number | null, signal: NodeJS.Signals | null): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  const lines = lastWords.split('\n').map((line) => line.trim());
  const why = lines.findLast((line) => /error|fatal|exception/i.test(line)) ?? lines.findLast((line) => line !== '');
  return why === undefined ? how : `${how}: ${why}`;
}

/** Time for a process to end by itself. */
const patienceMs = 2_000;

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    if (child.connected) child.disconnect();
  });
}
