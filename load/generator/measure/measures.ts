import type { Violation } from '../../ledger/settlement.ts';
import { masked } from '../../address.ts';
import { LatencyHistogram } from '../../ledger/histogram.ts';
import type { LastReceivers } from '../../ledger/last-receiver.ts';
import { noCounts, type ErrorCount, type Mark, type Tick, type TickCounts } from '../../message.ts';

/** How many violations of one kind a generator keeps. */
const violationsPerKind = 10;

const sampleLength = 200;
const firstFramesMax = 3;

/** Everything one generator counts. Latencies are kept twice: of the whole run, and of the present second. */
export class Measures {
  readonly connect: Tracked = new Tracked();
  readonly fanout: Tracked = new Tracked();
  readonly fanoutFromSend: Tracked = new Tracked();
  readonly echo: Tracked = new Tracked();
  readonly prepare: Tracked = new Tracked();
  readonly lateness: Tracked = new Tracked();
  readonly fanoutByBucket: Map<number, LatencyHistogram> = new Map();
  readonly lastReceivers: LastReceivers;
  readonly total: TickCounts = noCounts();
  readonly openedUs: number[] = [];
  readonly closedUs: number[] = [];
  readonly closes: Map<string, number> = new Map();
  readonly drops: Map<number, number> = new Map();
  readonly refusals: Map<string, number> = new Map();
  readonly frames: Map<string, number> = new Map();
  readonly firstFrames: string[] = [];
  readonly absencesMs: number[] = [];
  readonly awayMs: number[] = [];
  readonly stages: readonly SliceMeasures[];
  readonly targets: readonly SliceMeasures[];
  readonly violations: Violation[] = [];
  readonly marks: Mark[] = [];
  connected: number = 0;
  joined: number = 0;
  scriptFailures: number = 0;
  readonly #errors: Map<string, { count: number; readonly sample: string }> = new Map();
  #before: TickCounts = noCounts();

  constructor(lastReceivers: LastReceivers, slices: { readonly stages: number; readonly targets: number }) {
    this.lastReceivers = lastReceivers;
    this.stages = Array.from({ length: slices.stages }, () => new SliceMeasures());
    this.targets = Array.from({ length: slices.targets }, () => new SliceMeasures());
  }

  error(kind: string, sample: string): void {
    const known = this.#errors.get(kind);
    if (known === undefined) this.#errors.set(kind, { count: 1, sample: masked(sample.slice(0, sampleLength)) });
    else known.count += 1;
  }

  get errors(): readonly ErrorCount[] {
    return [...this.#errors].map(([kind, { count, sample }]) => ({ kind, count, sample }));
  }

  closed(code: string): void {
    this.closes.set(code, (this.closes.get(code) ?? 0) + 1);
  }

  /** Closed by the server or the network, unasked, and not back. */
  dropped(client: { readonly index: number; readonly room: string }, code: number): void {
    this.total.dropped += 1;
    this.drops.set(code, (this.drops.get(code) ?? 0) + 1);
    this.error('dropped', `client ${client.index} of ${client.room} was closed with ${code}`);
  }

  /** Not let in, for good. */
  refused(kind: string): void {
    this.total.intended += 1;
    this.total.refused += 1;
    this.refusals.set(kind, (this.refusals.get(kind) ?? 0) + 1);
  }

  /** A frame that was no delivery. */
  frame(kind: string, show: () => string): void {
    this.frames.set(kind, (this.frames.get(kind) ?? 0) + 1);
    if (this.firstFrames.length < firstFramesMax) this.firstFrames.push(show());
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
      prepare: this.prepare.takeSecond(),
      lateness: this.lateness.takeSecond(),
      health,
    };
  }
}

/** What is measured apart for one stage of the plan, or one target. */
export class SliceMeasures {
  readonly fanout: LatencyHistogram = new LatencyHistogram();
  readonly connect: LatencyHistogram = new LatencyHistogram();
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
