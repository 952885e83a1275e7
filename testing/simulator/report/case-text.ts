import type { SimCase, SimStep } from '../api/report.ts';

/** A case is written as the source of an object: one line a step, so that a hand may change it. */
export function caseSource(simCase: SimCase, indent: string): string {
  const { seed, steps, draws, durationMs, config } = simCase;
  const inner = `${indent}  `;
  const lines = [`seed: ${seed},`];
  if (steps.length === 0) lines.push('steps: [],');
  else lines.push('steps: [', ...steps.map((step) => `  ${source(step)},`), '],');
  if (draws !== undefined && Object.keys(draws).length > 0) lines.push(`draws: ${source(draws)},`);
  if (durationMs !== undefined) lines.push(`durationMs: ${durationMs},`);
  if (config !== undefined && Object.keys(config).length > 0) lines.push(`config: ${source(config)},`);
  return `{\n${lines.map((line) => `${inner}${line}`).join('\n')}\n${indent}}`;
}

/** A value as JavaScript writes it. */
export function source(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === undefined) return 'undefined';
  if (value instanceof Uint8Array) return `Uint8Array.of(${[...value].join(', ')})`;
  if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    if (entries.length === 0) return '{}';
    return `{ ${entries.map(([name, each]) => `${keySource(name)}: ${source(each)}`).join(', ')} }`;
  }
  return JSON.stringify(value);
}

function keySource(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

/** Single quotes, as our tests have them, where nothing stands against it. */
function quoted(text: string): string {
  const json = JSON.stringify(text)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll(String.raw`\"`, '"')}'`;
}

/** One step as a reader of the report sees it. */
export function stepLine(step: SimStep): string {
  const at = `${String(step.at).padStart(6)} ms`;
  if ('fault' in step) {
    const whose = step.client ?? step.node ?? '';
    return `${at}  ${whose.padEnd(4)} fault ${step.fault}${step.ms === 0 ? '' : ` for ${step.ms} ms`}`;
  }
  if ('op' in step) {
    const args = step.args.map((arg) => shortened(typeof arg === 'string' ? arg : source(arg))).join(' ');
    return `${at}  ${step.client.padEnd(4)} ${step.op}${args === '' ? '' : ` ${args}`}`;
  }
  const draws = step.draws === undefined ? '' : ` ${source(step.draws)}`;
  return `${at}  ${step.client.padEnd(4)} ${step.action}${draws}`;
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
