import { options } from './options.ts';
import { flagOf, variableOf } from './option.ts';

/**
 * The option reference of docs/load.md, from the table that the command line itself is made of; a test fails when the
 * document has another one.
 */
export function optionReference(): string {
  const rows = options.map((option) => {
    const argument = option.argument === undefined ? '' : ` <${option.argument}>`;
    const short = option.short === undefined ? '' : `\`-${option.short}\`, `;
    const cells = [
      `${short}\`${flagOf(option)}${argument}\``,
      `\`${variableOf(option)}\``,
      option.commands.join(' '),
      option.default ?? '',
      option.describes,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| flag | variable | of | default | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}
