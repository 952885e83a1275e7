import { doctorExitCode, examine, type Finding, type FindingLevel } from '../run/doctor.ts';
import { palette, type Palette } from '../report/terminal.ts';
import type { CommandContext } from './command-context.ts';

const clientsPlanned = 10_000;

/** `channelbox doctor` tells what of this machine limits a load. Resolves with 1 where something does, else 0. */
export function doctorCommand(kit: CommandContext): number {
  const clients = kit.settings.clients ?? clientsPlanned;
  const findings = examine(kit.terminal.machine, clients);
  const exitCode = doctorExitCode(findings);
  if (kit.settings.json === true) kit.terminal.out(`${JSON.stringify({ schema: 1, clients, findings })}\n`);
  else kit.terminal.out(text(findings, clients, palette(kit.terminal.isOutColoured)));
  return exitCode;
}

function text(findings: readonly Finding[], clients: number, colours: Palette): string {
  const { bold, cyan, dim } = colours;
  const width = Math.max(...findings.map((finding) => finding.what.length)) + 2;
  const indent = ' '.repeat(10 + width);
  const lines = findings.flatMap(({ what, found, level, meaning, change }) => [
    `${badge(level, colours)}${bold(what.padEnd(width))}${found}`,
    `${indent}${dim(meaning)}`,
    ...(change === undefined ? [] : [`${indent}${cyan(`→ ${change}`)}`]),
  ]);
  const limiting = findings.filter((finding) => finding.level === 'limits').map((finding) => finding.what);
  const verdict =
    limiting.length === 0
      ? `Nothing here stands in the way of ${clients} clients.`
      : `${limiting.join(', ')} will stop a load of ${clients} clients.`;
  return `${lines.join('\n')}\n\n${bold(verdict)}\n`;
}

function badge(level: FindingLevel, { green, red, yellow, dim }: Palette): string {
  const text = level.padEnd(10);
  return { ok: green, limits: red, advice: yellow, unknown: dim }[level](text);
}
