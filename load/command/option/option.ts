import type { Settings } from './settings.ts';

export type CommandName = 'load' | 'capacity' | 'compare' | 'report' | 'doctor' | 'simulate';

interface OptionFacts {
  /** One letter, for the few that are typed by hand again and again. */
  readonly short?: string;
  /** Shown as `<argument>`; a switch has none. */
  readonly argument?: string;
  readonly commands: readonly CommandName[];
  readonly describes: string;
  /** In words, where neither flag nor environment nor file says anything. */
  readonly default?: string;
}

interface OptionOf<Key extends keyof Settings> extends OptionFacts {
  readonly key: Key;
  /** All that was given, in order; a switch gets one empty text. Throws a sentence on what was due. */
  readonly read: (texts: readonly string[]) => NonNullable<Settings[Key]>;
}

/** One row of the table is a flag, its variable, its default and how it is read. */
export type Option = { [Key in keyof Settings]-?: OptionOf<Key> }[keyof Settings];

/** The commands that run a load. */
export const runs: readonly CommandName[] = ['load', 'capacity', 'compare'];

/** `--local-ip` */
export function flagOf(option: Pick<Option, 'key'>): string {
  return `--${option.key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `LOAD_LOCAL_IP` */
export function variableOf(option: Pick<Option, 'key'>): string {
  return `LOAD_${flagOf(option).slice(2).replaceAll('-', '_').toUpperCase()}`;
}
