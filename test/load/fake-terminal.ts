import type { LoadOptions, Progress, RunReport, Scenario } from 'channelbox/load';
import { runCommandLine } from '../../load/command/program.ts';
import type { Machine } from '../../load/run/doctor.ts';
import type { Terminal } from '../../load/report/terminal.ts';
import { reportFixture } from './report-fixture.ts';

/** A terminal that keeps what is written to it and whose clock and Ctrl-C the test holds. */
export class FakeTerminal implements Terminal {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly isInteractive: boolean;
  readonly isOutColoured: boolean = false;
  readonly isNoteColoured: boolean = false;
  readonly columns: number = 100;
  readonly aborts: number[] = [];
  results: string = '';
  notes: string = '';
  now: number = 0;
  #interrupts: (() => void)[] = [];

  constructor(
    words: readonly string[],
    options: { readonly environment?: Readonly<Record<string, string>>; readonly isInteractive?: boolean } = {},
  ) {
    this.words = words;
    this.environment = options.environment ?? {};
    this.isInteractive = options.isInteractive ?? false;
  }

  get machine(): Machine {
    return {
      platform: 'linux',
      nodeVersion: '20.19.0',
      cores: 8,
      memoryBytes: 16 * 1024 ** 3,
      freeMemoryBytes: 8 * 1024 ** 3,
      descriptors: { soft: 1_024, hard: 1_024 },
      read: () => undefined,
    };
  }

  out(text: string): void {
    this.results += text;
  }

  note(text: string): void {
    this.notes += text;
  }

  onInterrupt(callback: () => void): () => void {
    this.#interrupts.push(callback);
    return () => {
      this.#interrupts = this.#interrupts.filter((other) => other !== callback);
    };
  }

  /** Ctrl-C. */
  interrupt(): void {
    for (const callback of this.#interrupts) callback();
  }

  get isListeningForInterrupts(): boolean {
    return this.#interrupts.length > 0;
  }

  nowMs(): number {
    return this.now;
  }

  abort(code: number): void {
    this.aborts.push(code);
  }
}

/** One call of `load`, as a command made it. */
export interface LoadCall {
  readonly source: Scenario | URL | string;
  readonly options: LoadOptions;
}

/** Runs one command line against a `load` that answers with `reports` in turn, the last one again and again. */
export async function runLine(
  terminal: FakeTerminal,
  answer: (call: LoadCall) => RunReport | Promise<RunReport> = () => reportFixture(),
): Promise<{ readonly exitCode: number; readonly calls: readonly LoadCall[] }> {
  const calls: LoadCall[] = [];
  const exitCode = await runCommandLine(
    terminal,
    async (source, options) => {
      calls.push({ source, options: options ?? {} });
      return await answer({ source, options: options ?? {} });
    },
    '1.2.3',
  );
  return { exitCode, calls };
}

export function progress(seconds: number, change: Partial<Progress> = {}): Progress {
  return {
    elapsedMs: seconds * 1_000,
    connected: 200,
    published: seconds * 100,
    delivered: seconds * 1_000,
    lost: 0,
    ...change,
  };
}
