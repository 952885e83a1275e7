import { findCapacity, type Bounds, type Capacity, type CapacityUnit, type Trial } from '../result/capacity.ts';
import { durationMs } from '../../src/internal.ts';
import { number, whole } from '../report/format/format.ts';
import { grid } from '../report/text.ts';
import type { RunReport } from '../result/run-report.ts';
import type { LoadOptions } from '../load.ts';
import { UsageError, type Settings } from './option/settings.ts';
import { palette, type Palette } from '../report/terminal.ts';
import {
  exitCodes,
  interruption,
  liveView,
  loadOptionsOf,
  rest,
  sourceOf,
  tick,
  titleOf,
  watching,
  type CommandContext,
} from './command-context.ts';

/** Where a search begins and ends unless told. */
const ranges: Readonly<Record<CapacityUnit, { readonly min: number; readonly max: number }>> = {
  clients: { min: 100, max: 100_000 },
  rate: { min: 0.1, max: 1_000 },
};

/**
 * `channelbox capacity` finds the largest load that meets the thresholds, as an interval. Resolves with the exit code.
 */
export async function capacityCommand(kit: CommandContext, word: string | undefined): Promise<number> {
  const { settings, terminal } = kit;
  const source = sourceOf(word, settings);
  const unit = settings.by ?? 'clients';
  const { min, max } = rangeOf(settings, unit);
  const view = liveView(kit, `capacity of ${titleOf(source, settings)}`);
  const { signal, stop } = interruption(terminal, () => view?.tell('draining; Ctrl-C again aborts'));
  const restMs = durationMs(settings.rest ?? (settings.inproc === true ? 0 : '1s'));
  let runs = 0;
  const run = async (size: number): Promise<RunReport> => {
    if (runs > 0) await rest(restMs, signal);
    runs += 1;
    view?.tell(`run ${runs}: ${sizeText(size, unit)}`);
    return await kit.load(source, { ...optionsFor(settings, unit, size), signal, ...watching(kit, view) });
  };
  try {
    const capacity = await findCapacity(run, {
      unit,
      min,
      max,
      precision: settings.precision ?? 0.05,
      repeats: settings.repeats ?? 3,
      signal,
      onProbe: (probe, bounds) => {
        view?.tell(probeText(probe, bounds, unit));
        tick(kit, 'probe', { ...probe, bounds });
      },
    });
    view?.end();
    print(kit, capacity);
    return exitCodeOf(capacity, settings.atLeast);
  } finally {
    stop();
  }
}

/** @throws {UsageError} for a range that holds nothing. */
function rangeOf(settings: Settings, unit: CapacityUnit): { readonly min: number; readonly max: number } {
  const { min = ranges[unit].min, max = Math.max(ranges[unit].max, min) } = settings;
  if (unit === 'clients' && !(Number.isInteger(min) && Number.isInteger(max))) {
    throw new UsageError(`--min ${min} and --max ${max} came; whole numbers of clients are due`);
  }
  if (min > max) throw new UsageError(`--min ${min} is above --max ${max}; nothing lies between`);
  return { min, max };
}

/** The options of one run of the search. A rate keeps the kind of the schedule, which only the scenario's file may know. */
function optionsFor(settings: Settings, unit: CapacityUnit, size: number): LoadOptions {
  if (unit === 'clients') return loadOptionsOf({ ...settings, clients: size });
  if (settings.rate?.kind === 'burst')
    throw new UsageError('--rate burst came with --by rate; a constant or poisson rate is due');
  const options = loadOptionsOf(settings);
  return { ...options, overrides: { ...options.overrides, perSecond: size } };
}

/** What was proved decides: a lower end is proved even where the generator gave out above it. */
export function exitCodeOf(capacity: Capacity, atLeast: number | undefined): number {
  if (capacity.outcome === 'interrupted') return exitCodes.interrupted;
  if (atLeast !== undefined && capacity.holds !== undefined && capacity.holds >= atLeast) return exitCodes.pass;
  if (capacity.outcome === 'generator') return exitCodes.invalid;
  if (capacity.outcome === 'below') return exitCodes.fail;
  return atLeast === undefined ? exitCodes.pass : exitCodes.fail;
}

function print(kit: CommandContext, capacity: Capacity): void {
  if (kit.settings.ndjson === true) return tick(kit, 'capacity', capacity);
  if (kit.settings.json === true) return kit.terminal.out(`${JSON.stringify({ schema: 1, ...capacity })}\n`);
  kit.terminal.out(textCapacity(capacity, palette(kit.terminal.isOutColoured)));
}

/** The search as a terminal shows it: every size that was run, then the interval. Ends with a line break. */
export function textCapacity(capacity: Capacity, colours: Palette): string {
  const { bold } = colours;
  const sizes = [...new Set(capacity.probes.map((probe) => probe.size))].toSorted((a, b) => a - b);
  const rows = sizes.map((size) => {
    const probes = capacity.probes.filter((probe) => probe.size === size);
    const times = (outcome: Trial['outcome']): string => {
      const count = probes.filter((probe) => probe.outcome === outcome).length;
      return count === 0 ? '' : String(count);
    };
    return [sizeText(size, capacity.unit), times('holds'), times('breaks'), times('invalid')];
  });
  const table = rows.length === 0 ? '' : grid(['', 'held', 'failed', 'could not tell'], rows, colours);
  const told = capacity.invalid === 0 ? [] : [`${capacity.invalid} runs could not tell; they count for nothing.`];
  const reasons = capacity.reasons.map((reason) => `  ${reason}`);
  return `${[table, '', bold(sentence(capacity)), ...reasons, ...told].join('\n').trimStart()}\n`;
}

function sentence(capacity: Capacity): string {
  const { outcome, unit, holds, breaks } = capacity;
  const size = (value: number | undefined): string => (value === undefined ? '?' : sizeText(value, unit));
  switch (outcome) {
    case 'found':
      return `Between ${size(holds)} and ${size(breaks)}: the first held every time, the second failed every time, because`;
    case 'at-least':
      return holds === undefined
        ? 'Nothing held every time, and nothing failed every time.'
        : `At least ${size(holds)}: where the search ended, nothing failed every time.`;
    case 'below':
      return `Below the beginning of the search: ${size(breaks)} failed every time, because`;
    case 'generator':
      return `${holds === undefined ? 'Nothing is known' : `At least ${size(holds)}`}: beyond, the generator gave out before the server did, because`;
    case 'interrupted':
      return `Interrupted: by then ${holds === undefined ? 'nothing had held' : `${size(holds)} had held`}, ${breaks === undefined ? 'nothing had failed' : `${size(breaks)} had failed`}.`;
  }
}

function probeText(probe: Trial, bounds: Bounds, unit: CapacityUnit): string {
  const says = { holds: 'held', breaks: 'failed', invalid: 'could not tell' }[probe.outcome];
  const known = [
    ...(bounds.holds === undefined ? [] : [`${sizeText(bounds.holds, unit)} hold`]),
    ...(bounds.breaks === undefined ? [] : [`${sizeText(bounds.breaks, unit)} fail`]),
  ];
  const why = probe.reasons[0] === undefined ? '' : ` (${probe.reasons[0]})`;
  return `${sizeText(probe.size, unit)} ${says}${why}${known.length === 0 ? '' : `; so far ${known.join(', ')}`}`;
}

function sizeText(size: number, unit: CapacityUnit): string {
  return unit === 'clients' ? `${whole(size)} clients` : `${number(size)}/s`;
}
