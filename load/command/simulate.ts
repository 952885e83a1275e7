import { durationMs } from '../../src/internal.ts';
import type { SimProgress, SimReport, Simulation } from '../../testing/simulator.ts';
import { importDefault } from '../scenario/loader.ts';
import { ScenarioError } from '../load-error.ts';
import type { Terminal } from '../report/terminal.ts';
import { exitCodes, interruption, write, type CommandContext } from './command-context.ts';

/** How often the live line is drawn, and how often it is written where nothing can be drawn. */
const drawnEveryMs = 200;
const plainEveryMs = 5_000;

/**
 * `channelbox simulate`: runs a simulation that a file exports by default. Resolves with 0, with 1 for a failure, with 4 where
 * the runs prove too little, with 130 where Ctrl-C ended it.
 */
export async function simulateCommand(kit: CommandContext, file: string): Promise<number> {
  const { settings, terminal } = kit;
  const simulation = simulationIn(file, await importDefault(file));
  const { simulate } = await import('../../testing/simulator.ts');
  const live = new LiveLine(terminal, settings.quiet === true);
  const { signal, stop } = interruption(terminal, () => live.tell('ends after this run; Ctrl-C again aborts'));
  let report: SimReport;
  try {
    report = await simulate({
      ...simulation,
      ...(settings.seed === undefined ? {} : { seed: settings.seed }),
      // Who names a time wants it filled.
      runs: settings.runs ?? (settings.budget === undefined ? 100 : 1_000_000),
      ...(settings.budget === undefined ? {} : { budgetMs: durationMs(settings.budget) }),
      signal,
      onProgress: (progress) => live.update(progress),
    });
  } finally {
    live.end();
    stop();
  }
  return tell(kit, file, report, signal.aborted);
}

async function tell(
  { settings, terminal }: CommandContext,
  file: string,
  report: SimReport,
  isInterrupted: boolean,
): Promise<number> {
  const { failure } = report;
  if (settings.json === true) {
    const { ok, seed, runs, hash, unmet, vacuous, leaks, events, deliveries, virtualMs, ms } = report;
    const facts = { ok, seed, runs, hash, failure, unmet, vacuous, leaks, events, deliveries, virtualMs, ms };
    terminal.out(`${JSON.stringify(facts)}\n`);
  } else terminal.out(`${report.toString()}\n`);
  if (failure !== undefined) {
    const path = settings.emit;
    const source = report.toTest({ simulation: `./${file.replace(/^.*[\\/]/, '')}` });
    if (path !== undefined) await write(path, source);
    else if (settings.json !== true) terminal.out(`\nA test that repeats it:\n\n${source}`);
    return exitCodes.fail;
  }
  if (isInterrupted) return exitCodes.interrupted;
  return report.ok ? exitCodes.pass : exitCodes.invalid;
}

function simulationIn(file: string, given: unknown): Simulation {
  const { system, actions } = (given ?? {}) as Partial<Simulation>;
  if (typeof system === 'function' && typeof actions === 'object') return given as Simulation;
  const message = `${file} exports no simulation; write \`export default defineSimulation({ system, actions, … })\``;
  throw new ScenarioError('', message, { code: 'CHANNELBOX_SCENARIO_NOT_FOUND' });
}

/** One line that says how far it is, drawn over itself on a terminal. */
class LiveLine {
  readonly #terminal: Terminal;
  readonly #isQuiet: boolean;
  #lastMs = -Infinity;
  #hint = '';
  #isDrawn = false;

  constructor(terminal: Terminal, isQuiet: boolean) {
    this.#terminal = terminal;
    this.#isQuiet = isQuiet;
  }

  update({ phase, count, events, deliveries, steps }: SimProgress): void {
    const { isInteractive } = this.#terminal;
    const nowMs = this.#terminal.nowMs();
    if (this.#isQuiet || nowMs - this.#lastMs < (isInteractive ? drawnEveryMs : plainEveryMs)) return;
    this.#lastMs = nowMs;
    const what =
      phase === 'run'
        ? `run ${count}, ${events} events, ${deliveries} deliveries`
        : `it failed; shrinking: try ${count}, ${steps ?? 0} steps left`;
    const line = `${what}${this.#hint}`;
    this.#terminal.note(isInteractive ? `\r\u001b[2K${line}` : `${line}\n`);
    this.#isDrawn = isInteractive;
  }

  tell(hint: string): void {
    this.#hint = `; ${hint}`;
    if (!this.#isQuiet) this.#terminal.note(`${this.#isDrawn ? '\n' : ''}${hint}\n`);
  }

  end(): void {
    if (this.#isDrawn) this.#terminal.note('\r\u001b[2K');
  }
}
