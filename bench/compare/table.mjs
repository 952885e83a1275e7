import { spread } from './statistics.mjs';
import { noiseMax, noiseMin, ratioOf, valuesOf } from './verdict.mjs';

/** One case as a Markdown table, so that what is on the terminal can go into a document as it is. */
export function caseTable(result) {
  const { name, kind, floor, noise, isJudged, samples, work } = result;
  const isMemory = kind === 'idle' || kind === 'memory';
  const lines = [`\n### ${name}`, '', `${factsOf(work)}`, ''];
  if (noise !== undefined) {
    const bar = `${floor} #2 ÷ ${floor} #1: ${noise.toFixed(3)}`;
    lines.push(
      isJudged ? bar : `NOT JUDGED: ${bar}, allowed ${noiseMin}–${noiseMax}; the machine is not quiet enough`,
      '',
    );
  }
  if (isMemory) lines.push('| variant | JS heap, KB | resident, KB |', '|---|---:|---:|');
  else {
    const median = kind === 'echo' ? ' round trip, median µs |' : '';
    lines.push(
      `| variant | µs CPU | user | system | to ${floor} [least–greatest] | user to ${floor} | client load |${median}`,
      `|---|---:|---:|---:|---:|---:|---:|${median === '' ? '' : '---:|'}`,
    );
  }
  for (const variant of Object.keys(samples)) {
    lines.push(isMemory ? memoryRow(samples, variant) : costRow(result, variant));
  }
  return lines.join('\n');
}

function memoryRow(samples, variant) {
  const [heap, rss] = ['heapBytes', 'rssBytes'].map((by) => spread(valuesOf(samples, variant, by)).median / 1024);
  return `| ${variant} | ${heap.toFixed(2)} | ${rss.toFixed(1)} |`;
}

function costRow({ kind, floor, samples }, variant) {
  const of = (by) => spread(valuesOf(samples, variant, by));
  const base = valuesOf(samples, floor, 'total');
  const ratios = spread(valuesOf(samples, variant, 'total').map((value, round) => value / base[round]));
  const user = ratioOf(samples, { of: variant, to: floor, by: 'user' });
  const cells = [
    variant,
    of('total').median.toFixed(2),
    of('user').median.toFixed(2),
    of('system').median.toFixed(2),
    `**${ratios.median.toFixed(2)}** [${ratios.min.toFixed(2)}–${ratios.max.toFixed(2)}]`,
    user.toFixed(2),
    of('clientLoad').median.toFixed(2),
  ];
  if (kind === 'echo') cells.push(of('medianUs').median.toFixed(0));
  return `| ${cells.join(' | ')} |`;
}

function factsOf(work) {
  return Object.entries(work)
    .filter(([, value]) => typeof value !== 'object')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

export function verdictTable(verdicts) {
  const rows = verdicts.map(
    ({ what, must, ambition, measured, verdict }) =>
      `| ${what} | ≤ ${must} | ${ambition} | ${measured.toFixed(measured < 1 ? 3 : 2)} | ${verdict} |`,
  );
  return [
    '\n### Owed',
    '',
    '| what | must | ambition | measured | verdict |',
    '|---|---:|---:|---:|---|',
    ...rows,
    '',
  ].join('\n');
}
