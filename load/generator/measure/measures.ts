import type { Violation } from '../../ledger/settlement.ts';
import { LatencyHistogram } from '../../ledger/histogram.ts';
import type { LastReceivers } from '../../ledger/last-receiver.ts';
import type { Tick, TickCounts, ErrorCount, Mark } from '../../message.ts';

/** How many violations of one kind a generator keeps. */
const violationsPerKind = 10;

const sampleLength = 200;

/** Everything one generator counts. Latencies are kept twice: of the whole run, and of the present second. */
export class Measures {
  readonly connect: Tracked = new Tracked();
  readonly fanout: Tracked = new Tracked();
  readonly fanoutFromSend: Tracked = new Tracked();
  readonly echo: Tracked = new Tracked();
  readonly lateness: Tracked = new Tracked();
  readonly fanoutByBucket: Map<number, LatencyHistogram> = new Map();
  readonly lastReceivers: LastReceivers;
  readonly total: TickCounts = noCounts();
  readonly openedUs: number[] = [];
  readonly closedUs: number[] = [];
  readonly closes: Map<number, number> = new Map();
  readonly violations: Violation[] = [];
  readonly marks: Mark[] = [];
  connected: number = 0;
  joined: number = 0;
  scriptFailures: number = 0;
  /** Connections that took the place of an earlier one. */
  returned: number = 0;
  readonly #errors: Map<string, { count: number; readonly sample: string }> = new Map();
  #before: TickCounts = noCounts();

  constructor(lastReceivers: LastReceivers) {
    this.lastReceivers = lastReceivers;
  }

  error(kind: string, sample: string): void {
    const known = this.#errors.get(kind);
    if (known === undefined) this.#errors.set(kind, { count: 1, sample: sample.slice(0, sampleLength) });
    else known.count += 1;
  }

  get errors(): readonly ErrorCount[] {
    return [...this.#errors].map(([kind, { count, sample }]) => ({ kind, count, sample }));
  }

  violation(violation: Violation): void {
    const known = this.violations.filter(({ kind }) => kind === violation.kind).length;
    if (known < violationsPerKind) this.violations.push(violation);
  }

  bucket(bucket: number): LatencyHistogram {
    const known = this.fanoutByBucket.get(bucket);
    if (known !== undefined) return known;
    const made = new LatencyHistogram();
    this.fanoutByBucket.set(bucket, made);
    return made;
  }

  /** What came since the last tick. */
  tick(second: number, missing: number, health: Readonly<Record<string, number>>): Tick {
    const counts = noCounts();
    for (const key of Object.keys(counts) as (keyof TickCounts)[]) counts[key] = this.total[key] - this.#before[key];
    this.#before = { ...this.total };
    return {
      second,
      connected: this.connected,
      missing,
      counts,
      connect: this.connect.takeSecond(),
      fanout: this.fanout.takeSecond(),
      fanoutFromSend: this.fanoutFromSend.takeSecond(),
      echo: this.echo.takeSecond(),
      lateness: this.lateness.takeSecond(),
      health,
    };
  }
}

/** A latency of the whole run, gathered second by second. */
export class Tracked {
  readonly #whole: LatencyHistogram = new LatencyHistogram();
  readonly #second: LatencyHistogram = new LatencyHistogram();

  recordUs(us: number): void {
    this.#second.recordUs(us);
  }

  takeSecond(): Float64Array {
    const cells = this.#second.toCells();
    this.#whole.addCells(cells);
    if (cells.length > 0) this.#second.reset();
    return cells;
  }

  /** Complete after a last `takeSecond`. */
  get whole(): LatencyHistogram {
    return this.#whole;
  }
}

export function noCounts(): TickCounts {
  return {
    intended: 0,
    opened: 0,
    refused: 0,
    dropped: 0,
    intendedPublishes: 0,
    published: 0,
    delivered: 0,
    duplicated: 0,
    misrouted: 0,
    corrupt: 0,
  };
}
