import { fork, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { FromGenerator, ToGenerator } from '../../message.ts';
import type { PlainError } from '../../plain-error.ts';
import type { GeneratorTask, ScenarioSource } from './task.ts';
import type { RunSummary } from '../../plan/run-summary.ts';

/** A parent tells a generator process this before the run. */
export type ToWorker =
  | { readonly type: 'import'; readonly source: ScenarioSource }
  | { readonly type: 'prepare'; readonly task: GeneratorTask }
  | { readonly type: 'run'; readonly message: ToGenerator };

export type FromWorker =
  | { readonly type: 'summary'; readonly summary: RunSummary }
  | { readonly type: 'refused'; readonly error: PlainError }
  | { readonly type: 'prepared' }
  | { readonly type: 'run'; readonly message: FromGenerator };

/** Set in the environment of a process that is to be a generator. */
export const generatorFlag: string = 'CHANNELBOX_LOAD_GENERATOR';

/** One file is both the engine and what its processes run, so that a bundle needs no second file beside it. */
const isSource = import.meta.url.endsWith('.ts');

/**
 * V8's heap grows with what connecting leaves behind, a multiple of what the connections themselves take. Kept small it
 * costs no CPU that could be measured: 6 000 clients take 4.5 KB each in place of 13.6 (raw), 8.2 in place of 21.9 (ws).
 */
const smallHeap: readonly string[] = ['--optimize-for-size', '--max-semi-space-size=1'];

/** Starts a process with a descriptor table of its own. It ends when its parent does. */
export function forkGenerator(): ChildProcess {
  return fork(enginePath(), [], {
    env: { ...process.env, [generatorFlag]: '1' },
    execArgv: [...smallHeap, ...(isSource ? ['--import', sourceLoader()] : [])],
    serialization: 'advanced',
    // What it says in its last moment is why it ended; so it is read here, and passed on.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

/** The command line's bundle runs a command when it is started, so its generators are the other bundle of the package. */
function enginePath(): string {
  if (isSource) return fileURLToPath(new URL('./generator-process.ts', import.meta.url));
  try {
    return fileURLToPath(import.meta.resolve('channelbox/load'));
  } catch {
    return fileURLToPath(import.meta.url);
  }
}

/** From sources, `loader.ts` itself has to be translated before it can translate anything. */
function sourceLoader(): string {
  const loader = new URL('../../scenario/loader.ts', import.meta.url).href;
  const sucrase = createRequire(import.meta.url).resolve('sucrase');
  const script = `
    import { readFileSync } from 'node:fs';
    import { createRequire, register } from 'node:module';
    const { transform } = createRequire(${JSON.stringify(loader)})(${JSON.stringify(sucrase)});
    const text = readFileSync(new URL(${JSON.stringify(loader)}), 'utf8');
    const whole = transform(text, { transforms: ['typescript', 'imports'], disableESTransforms: false }).code
      .replaceAll('import.meta.url', JSON.stringify(${JSON.stringify(loader)}));
    const module = { exports: {} };
    const requireHere = createRequire(${JSON.stringify(loader)});
    new Function('require', 'module', 'exports', whole)((name) => name.endsWith('.ts') ? {} : requireHere(name), module, module.exports);
    module.exports.registerTypeScript();
  `;
  return `data:text/javascript,${encodeURIComponent(script)}`;
}
