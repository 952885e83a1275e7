import type { SimEvent } from '../api/event.ts';
import { SimulationError, type SimFailure, type SimReport } from '../api/report.ts';
import { stepLine } from './case-text.ts';
import { testFile, type TestFileOptions } from './test-file.ts';

export type ReportFacts = Pick<
  SimReport,
  'seed' | 'runs' | 'hash' | 'failure' | 'unmet' | 'vacuous' | 'leaks' | 'events' | 'deliveries' | 'virtualMs' | 'ms'
> & { readonly explored?: NonNullable<SimReport['explored']> | undefined };

/** A report says what a simulation came to, to be read by people and by programs. */
export class SimulationReport implements SimReport {
  readonly seed: number;
  readonly runs: number;
  readonly hash: string;
  readonly failure: SimFailure | undefined;
  readonly unmet: readonly string[];
  readonly vacuous: readonly string[];
  readonly leaks: SimReport['leaks'];
  readonly events: number;
  readonly deliveries: number;
  readonly virtualMs: number;
  readonly ms: number;
  declare readonly explored?: NonNullable<SimReport['explored']>;

  constructor(facts: ReportFacts) {
    const { seed, runs, hash, failure, unmet, vacuous, leaks, events, deliveries, virtualMs, ms, explored } = facts;
    this.seed = seed;
    this.runs = runs;
    this.hash = hash;
    this.failure = failure;
    this.unmet = unmet;
    this.vacuous = vacuous;
    this.leaks = leaks;
    this.events = events;
    this.deliveries = deliveries;
    this.virtualMs = virtualMs;
    this.ms = ms;
    if (explored !== undefined) this.explored = explored;
  }

  get ok(): boolean {
    return this.failure === undefined && this.unmet.length === 0 && this.vacuous.length === 0;
  }

  /** @throws {SimulationError} `CHANNELBOX_SIMULATION` where nothing failed: there is nothing to repeat */
  toTest(options: TestFileOptions): string {
    if (this.failure === undefined) {
      throw new SimulationError(
        this.#unproved,
        'toTest() came for a report without a failure: there is nothing to repeat',
      );
    }
    return testFile(this.failure, this.seed, options);
  }

  toString(): string {
    return this.failure === undefined ? this.#summary() : `${this.#summary()}\n${failureText(this.failure)}`;
  }

  unwrap(): this {
    if (this.ok) return this;
    throw new SimulationError(this.failure ?? this.#unproved, this.toString());
  }

  #summary(): string {
    const { seed, runs, hash, events, deliveries, virtualMs, ms, explored } = this;
    const lines = [
      `seed ${seed}: ${count(runs, 'run')}, ${count(events, 'event')}, ${count(deliveries, 'delivery', 'deliveries')}, ` +
        `${(virtualMs / 1000).toFixed(0)} s of virtual time in ${(ms / 1000).toFixed(1)} s; hash ${hash}`,
    ];
    if (explored !== undefined) {
      lines.push(`all ${count(explored.schedules, 'schedule')}, ${explored.histories} different histories`);
    }
    if (this.failure === undefined) {
      for (const name of this.unmet) lines.push(`never true: sometimes «${name}»`);
      for (const name of this.vacuous) lines.push(`never had anything to check: ${name}`);
      if (this.ok) lines.push('nothing failed');
    }
    for (const { what, count: times, stack } of this.leaks) {
      lines.push(`not from env: ${what}, ${times} times, first at ${stack.split('\n', 1)[0]?.trim() ?? ''}`);
    }
    return lines.join('\n');
  }

  /** What `unwrap` throws where nothing failed and nothing was proved. */
  get #unproved(): SimFailure {
    const name = [...this.unmet, ...this.vacuous].join(', ');
    const message = 'the runs prove too little';
    const nothing = { seed: this.seed, steps: [] };
    return { kind: 'checker', name, message, witness: [], run: 0, runSeed: this.seed, steps: [], case: nothing };
  }
}

export function failureText(failure: SimFailure): string {
  const { kind, name, message, run, runSeed, steps, witness, shrunk } = failure;
  const { draws = {}, config = {}, durationMs } = failure.case;
  const lines = [`${kind} ${name}: ${message}`, `  in run ${run} (run seed ${runSeed})${shrunkText(shrunk)}`];
  lines.push(`  steps left: ${steps.length}`, ...steps.map((step) => `    ${stepLine(step)}`));
  const delays = Object.entries(draws);
  if (delays.length > 0) {
    lines.push('  delays that matter:', ...delays.map(([what, ms]) => `    ${what}: ${ms} ms more`));
  }
  const facts = Object.entries(config).map(([what, value]) => `${what} ${String(value)}`);
  if (durationMs !== undefined) facts.push(`all heals at ${durationMs} ms`);
  if (facts.length > 0) lines.push(`  network: ${facts.join(', ')}`);
  if (witness.length > 0) lines.push('  witness:', ...witness.map((event) => `    ${eventLine(event)}`));
  if (failure.stack !== undefined) lines.push('  stack:', ...stackLines(failure.stack));
  lines.push(
    `  again: replay(simulation, report.failure.case), or write report.toTest({ simulation: './…' }) to a file`,
  );
  return lines.join('\n');
}

function shrunkText(shrunk: SimFailure['shrunk']): string {
  if (shrunk === undefined) return ', as it was found';
  const more = shrunk.isComplete ? '' : '; the bound came first, so less may do';
  return `, shrunk in ${shrunk.tries} tries and ${shrunk.ms} ms${more}`;
}

function stackLines(stack: string): string[] {
  return stack
    .split('\n')
    .filter((line) => line.trimStart().startsWith('at '))
    .slice(0, 6)
    .map((line) => `    ${line.trim()}`);
}

export function eventLine(event: SimEvent): string {
  const { t, e, ...rest } = event;
  const parts = Object.entries(rest).flatMap(([name, value]) => {
    if (value === undefined || name === 'stamps') return [];
    if (typeof value === 'object') return [`${name} ${JSON.stringify(value)}`];
    const text = String(value);
    return [`${name} ${text.length > 120 ? `${text.slice(0, 120)}…` : text}`];
  });
  return `${String(t).padStart(6)} ms  ${e} ${parts.join(', ')}`;
}

function count(value: number, one: string, many = `${one}s`): string {
  return `${value} ${value === 1 ? one : many}`;
}
