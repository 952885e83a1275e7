import {
  compareInTurns,
  compareReports,
  signed,
  type Comparison,
  type MetricComparison,
  type Side,
  type Turns,
} from '../result/compare.ts';
import { durationMs } from '../../src/internal.ts';
import { milliseconds, number } from '../report/format/format.ts';
import { reportJson } from '../report/file.ts';
import { grid } from '../report/text.ts';
import { scenarioDefaults } from '../scenario/resolved.ts';
import { mergeRounds } from '../result/rounds.ts';
import type { LoadOptions } from '../load.ts';
import type { RunReport } from '../result/run-report.ts';
import { masked } from '../address.ts';
import { UsageError, type Settings } from './option/settings.ts';
import { palette, type Palette } from '../report/terminal.ts';
import {
  exitCodes,
  interruption,
  liveView,
  loadOptionsOf,
  pairing,
  rest,
  tick,
  titleOf,
  watching,
  write,
  type CommandContext,
} from './command-context.ts';
import { refuseUnwritable } from './outputs.ts';
import { readReport } from './report.ts';

/** `channelbox compare`: two kept runs, or two sides that take turns. Resolves with the exit code. */
export async function compareCommand(kit: CommandContext, first: string, second: string | undefined): Promise<number> {
  if (second !== undefined && isReportFile(first) && isReportFile(second))
    return await compareFiles(kit, first, second);
  return await compareSides(kit, sidesOf(first, second, kit.settings));
}

async function compareFiles(kit: CommandContext, first: string, second: string): Promise<number> {
  const comparison = compareReports(await readReport(first), await readReport(second));
  print(kit, comparison, [first, second]);
  return exitCodes[
    comparison.verdict === 'undecided' ? 'invalid' : comparison.verdict === 'regression' ? 'regression' : 'pass'
  ];
}

/** What runs on each side. */
type Sides = Readonly<Record<Side, { readonly source: string; readonly name: string; readonly options: LoadOptions }>>;

async function compareSides(kit: CommandContext, sides: Sides): Promise<number> {
  const { settings, terminal } = kit;
  await refuseUnwritable(settings);
  const rounds = settings.rounds ?? 12;
  const view = liveView(kit, `${sides.first.name} against ${sides.second.name}`);
  const { signal, stop } = interruption(terminal, () => view?.tell('draining; Ctrl-C again aborts'));
  const restMs = durationMs(settings.rest ?? (settings.inproc === true ? 0 : '1s'));
  let runs = 0;
  const run = async (side: Side): Promise<RunReport> => {
    if (runs > 0) await rest(restMs, signal);
    runs += 1;
    const { source, options } = sides[side];
    return await kit.load(source, { ...options, signal, ...watching(kit, view) });
  };
  try {
    const turns = await compareInTurns(run, {
      rounds,
      seed: settings.seed ?? scenarioDefaults.seed,
      signal,
      onRound: (done, comparison) => {
        view?.tell(`round ${done} of ${rounds}: ${soFar(comparison)}`);
        tick(kit, 'round', { done, rounds, comparison });
      },
    });
    view?.end();
    await save(kit, turns);
    print(kit, turns.comparison, [sides.first.name, sides.second.name]);
    return exitCodeOf(turns);
  } finally {
    stop();
  }
}

/**
 * The two sides: two targets for one scenario, or two scenarios or addresses.
 * @throws {UsageError} where there are not exactly two.
 */
function sidesOf(first: string, second: string | undefined, settings: Settings): Sides {
  const common = loadOptionsOf(settings);
  if (second !== undefined) {
    const side = (source: string): Sides[Side] => ({ source, name: titleOf(source, settings), options: common });
    return { first: side(first), second: side(second) };
  }
  const [one, other, ...more] = settings.target ?? [];
  if (one === undefined || other === undefined || more.length > 0) {
    throw new UsageError(
      `compare takes two sides, ${settings.target?.length ?? 0} targets came: give two reports (a.json b.json), two addresses, ` +
        'or a scenario with --target twice',
    );
  }
  const side = (target: string): Sides[Side] => ({
    source: first,
    name: masked(target),
    options: { ...common, target },
  });
  return { first: side(one), second: side(other) };
}

/** A failure that only the second side has is as bad as a slow one. */
function exitCodeOf({ comparison, first, second, isInterrupted }: Turns): number {
  if (isInterrupted) return exitCodes.interrupted;
  if (comparison.verdict === 'regression') return exitCodes.regression;
  const hasFailed = (reports: readonly RunReport[]): boolean => reports.some((report) => report.verdict === 'fail');
  if (hasFailed(second) && !hasFailed(first)) return exitCodes.fail;
  return comparison.verdict === 'undecided' ? exitCodes.invalid : exitCodes.pass;
}

async function save(kit: CommandContext, turns: Turns): Promise<void> {
  const paths = kit.settings.save ?? [];
  if (paths.length === 0) return;
  const [first, second] = paths;
  if (first === undefined || second === undefined || paths.length > 2) {
    throw new UsageError(`--save came ${paths.length} times; compare takes it twice, once for each side`);
  }
  if (turns.first.length === 0) return;
  const environment = { pairing: pairing() };
  await write(first, `${reportJson(mergeRounds(turns.first, environment))}\n`);
  await write(second, `${reportJson(mergeRounds(turns.second, environment))}\n`);
}

function print(kit: CommandContext, comparison: Comparison, names: readonly [string, string]): void {
  if (kit.settings.ndjson === true) return tick(kit, 'comparison', { names, comparison });
  if (kit.settings.json === true) {
    return kit.terminal.out(`${JSON.stringify({ schema: 1, names, ...comparison })}\n`);
  }
  kit.terminal.out(textComparison(comparison, names, palette(kit.terminal.isOutColoured)));
}

/** The comparison as a terminal shows it. Ends with a line break. */
export function textComparison(comparison: Comparison, names: readonly [string, string], colours: Palette): string {
  const { bold, inverse, green, red, yellow } = colours;
  const rows = comparison.metrics.map((metric) => [
    metric.metric,
    reading(metric, metric.before),
    reading(metric, metric.after),
    signed(metric.change),
    `${signed(metric.low)} … ${signed(metric.high)}`,
    metric.probability < 0.001 ? '< 0.001' : metric.probability.toFixed(3),
    metric.verdict === 'worse' ? red('worse') : metric.verdict === 'better' ? green('better') : 'same',
  ]);
  const badge = {
    regression: red(' REGRESSION '),
    better: green(' BETTER '),
    same: green(' NO DIFFERENCE SHOWN '),
    undecided: yellow(' UNDECIDED '),
  }[comparison.verdict];
  const rule = 'a difference counts at a joint level of 0.5 % and above 5 %';
  const parts = [
    `first   ${names[0]}\nsecond  ${names[1]}\n${comparison.rounds} pairs of rounds; ${rule}`,
    rows.length === 0
      ? ''
      : grid(['', 'first', 'second', 'change', 'interval (99.5 % jointly)', 'p', ''], rows, colours),
    comparison.notes.map((note) => `note: ${note}`).join('\n'),
    [bold(inverse(badge)), ...comparison.reasons.map((reason) => `  ${reason}`)].join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function soFar(comparison: Comparison): string {
  return comparison.metrics.map((metric) => `${metric.metric} ${signed(metric.change)}`).join(', ');
}

function reading(metric: MetricComparison, value: number): string {
  return metric.better === 'higher' ? `${number(value)}/s` : milliseconds(value);
}

function isReportFile(word: string): boolean {
  return !/^wss?:/.test(word) && /\.(json|ndjson|html?)$/i.test(word);
}
