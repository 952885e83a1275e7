import { nearest } from '../../scenario/nearest.ts';
import { ValueProblem } from './option-value.ts';
import { options } from './options.ts';
import { flagOf, variableOf, type CommandName, type Option } from './option.ts';
import { UsageError, type Settings } from './settings.ts';

/**
 * Flags and environment are read together: a flag wins over its variable.
 * @param flags by key, all texts that were given; a switch has one empty text.
 * @throws {UsageError} that names the flag or the variable, what came and what was due.
 */
export function settingsOf(
  command: CommandName,
  flags: ReadonlyMap<string, readonly string[]>,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const settings: Settings = {};
  for (const option of options) {
    if (!option.commands.includes(command)) continue;
    const given = flags.get(option.key);
    const variable = environment[variableOf(option)];
    if (given !== undefined) assign(settings, option, { texts: given, from: flagOf(option) });
    else if (isSaid(option, variable)) assign(settings, option, { texts: [variable], from: variableOf(option) });
  }
  return settings;
}

/** Variables that look like a mistyped one of ours, each with the one that was meant. */
export function mistypedVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly (readonly [came: string, meant: string])[] {
  const prefix = 'LOAD_';
  const known = options.map((option) => variableOf(option).slice(prefix.length));
  return Object.keys(environment).flatMap((name) => {
    const word = name.slice(prefix.length);
    if (!name.startsWith(prefix) || known.includes(word)) return [];
    const meant = nearest(word, known);
    return meant === undefined ? [] : [[name, `${prefix}${meant}`] as const];
  });
}

/** An empty variable is one that is not set; a switch may be switched off. */
function isSaid(option: Option, variable: string | undefined): variable is string {
  if (variable === undefined || variable === '') return false;
  return option.argument !== undefined || !/^(0|false|no|off)$/i.test(variable);
}

function assign(
  settings: Settings,
  option: Option,
  given: { readonly texts: readonly string[]; readonly from: string },
): void {
  try {
    Object.assign(settings, { [option.key]: option.read(given.texts) });
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error;
    throw new UsageError(`${given.from} ${error.message}`, { cause: error });
  }
}
