import { Command, CommanderError, Option as Flag } from 'commander';
import type { ChannelBoxError } from '../../src/index.ts';
import { options } from './option/options.ts';
import { flagOf, variableOf, type CommandName, type Option } from './option/option.ts';
import type { load } from '../load.ts';
import { masked } from '../address.ts';
import { palette, type Terminal } from '../report/terminal.ts';
import { mistypedVariables, settingsOf } from './option/arguments.ts';
import { capacityCommand } from './capacity.ts';
import { compareCommand } from './compare.ts';
import { doctorCommand } from './doctor.ts';
import { exitCodes, type CommandContext } from './command-context.ts';
import { loadCommand } from './load.ts';
import { reportCommand } from './report.ts';
import { simulateCommand } from './simulate.ts';

/** One command of the line: its words, and what it does with them. */
interface CommandFacts {
  readonly name: CommandName;
  readonly words: readonly (readonly [word: string, describes: string])[];
  readonly describes: string;
  readonly examples: readonly string[];
  readonly run: (kit: CommandContext, words: readonly string[]) => number | Promise<number>;
}

export const commands: readonly CommandFacts[] = [
  {
    name: 'load',
    words: [['[scenario]', 'a scenario file, or ws://… for a bare address']],
    describes: 'runs a load and accounts for every delivery',
    examples: ['chat.load.ts --html report.html', 'ws://127.0.0.1:8000/ws --clients 500 --rooms 50'],
    run: async (kit, [scenario]) => await loadCommand(kit, scenario),
  },
  {
    name: 'capacity',
    words: [['[scenario]', 'a scenario file, or ws://… for a bare address']],
    describes: 'finds the largest load that meets the thresholds, as an interval',
    examples: ['chat.load.ts --duration 20s --room-size 10', 'chat.load.ts --by rate --clients 200'],
    run: async (kit, [scenario]) => await capacityCommand(kit, scenario),
  },
  {
    name: 'compare',
    words: [
      ['<first>', 'a report, a scenario file, or ws://…'],
      ['[second]', 'the other one; left out where --target is given twice'],
    ],
    describes: 'tells whether the second side is slower: two reports, or two sides that take turns',
    examples: ['before.json after.json', 'chat.load.ts --target ws://old:8000 --target ws://new:8000 --duration 10s'],
    run: async (kit, [first = '', second]) => await compareCommand(kit, first, second),
  },
  {
    name: 'report',
    words: [['<file>', 'what --save, --json, --ndjson or --html wrote']],
    describes: 'shows a run that was kept',
    examples: ['run.json --html report.html'],
    run: async (kit, [file = '']) => await reportCommand(kit, file),
  },
  {
    name: 'doctor',
    words: [],
    describes: 'tells what of this machine limits a load, and how to change it',
    examples: ['--clients 20000'],
    run: (kit) => doctorCommand(kit),
  },
  {
    name: 'simulate',
    words: [['<file>', 'a file that exports a simulation by default']],
    describes: 'looks for the schedule that breaks a service, in virtual time, and hands back a test',
    examples: ['chat.sim.ts --runs 1000', 'chat.sim.ts --budget 2m', 'chat.sim.ts --seed 7 --emit chat.found.test.ts'],
    run: async (kit, [file = '']) => await simulateCommand(kit, file),
  },
];

const exitCodeText = `Exit codes: 0 pass · 1 a threshold or the ledger failed · 2 usage · 3 target unreachable · 4 invalid: the run
proves nothing · 5 regression · 130 interrupted. Each flag has its variable; flag > variable > scenario > default.`;

/**
 * Runs one command line. Resolves with the exit code; every failure has been written to standard error by then.
 * @param version of the package, for `--version`.
 */
export async function runCommandLine(terminal: Terminal, run: typeof load, version: string): Promise<number> {
  const kits: { exitCode: number } = { exitCode: exitCodes.usage };
  const program = new Command('channelbox')
    .description('Load testing for WebSocket servers: every delivery is accounted for.')
    .version(version)
    .addHelpText('after', `\n${exitCodeText}`);
  prepare(program, terminal);
  for (const facts of commands) {
    const command = program.command(facts.name).description(facts.describes);
    prepare(command, terminal);
    for (const [word, describes] of facts.words) command.argument(word, describes);
    for (const option of options) if (option.commands.includes(facts.name)) command.addOption(flagFor(option));
    const examples = facts.examples.map((example) => `  channelbox ${facts.name} ${example}`).join('\n');
    command.addHelpText('after', `\nExamples:\n${examples}\n\n${exitCodeText}`);
    command.action(async () => {
      warnOfVariables(terminal);
      const settings = settingsOf(facts.name, flagsIn(command), terminal.environment);
      kits.exitCode = await facts.run({ terminal, settings, load: run }, command.args);
    });
  }
  try {
    await program.parseAsync([...terminal.words], { from: 'user' });
    return kits.exitCode;
  } catch (error) {
    return exitCodeFor(error, terminal);
  }
}

function prepare(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureHelp({ helpWidth: Math.max(60, Math.min(120, terminal.columns)), sortOptions: false })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.note(text),
      getOutHasColors: () => terminal.isOutColoured,
      getErrHasColors: () => terminal.isNoteColoured,
    });
}

function flagFor(option: Option): Flag {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const argument = option.argument === undefined ? '' : ` <${option.argument}>`;
  const otherwise = option.default === undefined ? '' : ` (default: ${option.default})`;
  const flag = new Flag(
    `${short}${flagOf(option)}${argument}`,
    `${option.describes}${otherwise} [${variableOf(option)}]`,
  );
  if (option.argument !== undefined)
    flag.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
  return flag;
}

/** What was said on the line itself, by key. */
function flagsIn(command: Command): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, readonly string[]>();
  for (const option of options) {
    const name = flagFor(option).attributeName();
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const value: unknown = command.getOptionValue(name);
    flags.set(option.key, Array.isArray(value) ? value.map(String) : ['']);
  }
  return flags;
}

function warnOfVariables(terminal: Terminal): void {
  for (const [came, meant] of mistypedVariables(terminal.environment)) {
    terminal.note(`note: ${came} is no variable of channelbox; did you mean ${meant}?\n`);
  }
}

/** Tells what went wrong, and with which code the process ends. */
function exitCodeFor(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.pass : exitCodes.usage;
  const { red, dim } = palette(terminal.isNoteColoured);
  if (isCoded(error)) {
    terminal.note(`${red('error:')} ${masked(error.message)} ${dim(`(${error.code})`)}\n`);
    return codes[error.code] ?? exitCodes.usage;
  }
  const trace = masked(error instanceof Error ? (error.stack ?? error.message) : String(error));
  terminal.note(`${red('error:')} the run broke off, which proves nothing: ${trace}\n`);
  return exitCodes.invalid;
}

/** Errors that are not the caller's: everything else with a code is wrong use. */
const codes: Readonly<Record<string, number>> = {
  CHANNELBOX_TARGET_UNREACHABLE: exitCodes.unreachable,
  CHANNELBOX_LOAD_FAILED: exitCodes.invalid,
};

/** By code, since a scenario may have loaded a second copy of the classes. */
function isCoded(error: unknown): error is ChannelBoxError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('CHANNELBOX_');
}
