import { closeSync, openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks';

/**
 * A generator watches how it fares itself, so that a run can say whether it measured the server or its own shortage.
 */
export interface Health {
  /** The first client is about to connect. */
  begin(): void;
  /** Of the time since the last call. */
  second(): Readonly<Record<string, number>>;
  /** Of the time since the warm-up. */
  whole(): Readonly<Record<string, number>>;
  /** The warm-up is over: what was counted so far is forgotten. */
  reset(): void;
  stop(): void;
}

/** Of the delay's own measurement; taken off again. */
const resolutionMs = 10;

/** Watches this process: run-queue wait, event loop, memory. */
export class ProcessHealth implements Health {
  readonly #schedstat: ProcFile = new ProcFile('schedstat');
  readonly #statm: ProcFile = new ProcFile('statm');
  readonly #ofSecond: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #ofWhole: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  #start: HealthReading = this.#read();
  #last: HealthReading = this.#start;
  #waitMax: number = 0;
  #rssMax: number = 0;
  #rssStart: number = this.#rss();

  constructor() {
    this.#ofSecond.enable();
    this.#ofWhole.enable();
  }

  begin(): void {
    this.#rssStart = this.#rss();
  }

  second(): Readonly<Record<string, number>> {
    const now = this.#read();
    const seconds = Math.max(0.001, (now.atMs - this.#last.atMs) / 1_000);
    const cpuWait = (now.waitNs - this.#last.waitNs) / 1e9 / seconds;
    const loopDelayMs = delayMs(this.#ofSecond.count === 0 ? 0 : this.#ofSecond.percentile(99));
    const result = { cpuWait, cpu: (now.cpuUs - this.#last.cpuUs) / 1e6 / seconds, loopDelayP99Ms: loopDelayMs };
    this.#ofSecond.reset();
    if (seconds > 0.5) this.#waitMax = Math.max(this.#waitMax, cpuWait);
    this.#rssMax = Math.max(this.#rssMax, this.#rss());
    this.#last = now;
    return result;
  }

  whole(): Readonly<Record<string, number>> {
    this.second();
    const seconds = Math.max(0.001, (this.#last.atMs - this.#start.atMs) / 1_000);
    const idleMs = this.#last.idleMs - this.#start.idleMs;
    return {
      cpuWait: (this.#last.waitNs - this.#start.waitNs) / 1e9 / seconds,
      cpuWaitWorstSecond: this.#waitMax,
      cpu: (this.#last.cpuUs - this.#start.cpuUs) / 1e6 / seconds,
      cpuSeconds: (this.#last.cpuUs - this.#start.cpuUs) / 1e6,
      utilization: Math.max(0, 1 - idleMs / 1_000 / seconds),
      loopDelayP99Ms: delayMs(this.#ofWhole.count === 0 ? 0 : this.#ofWhole.percentile(99)),
      loopDelayMaxMs: delayMs(this.#ofWhole.count === 0 ? 0 : this.#ofWhole.max),
      rssStartBytes: this.#rssStart,
      rssPeakBytes: this.#rssMax,
    };
  }

  reset(): void {
    this.second();
    this.#start = this.#last;
    this.#ofWhole.reset();
    this.#waitMax = 0;
  }

  /** How long this process was ready to run and had no CPU; Linux alone says so. */
  #read(): HealthReading {
    const { user, system } = process.cpuUsage();
    return {
      atMs: performance.now(),
      waitNs: this.#schedstat.field(1) ?? 0,
      cpuUs: user + system,
      idleMs: performance.nodeTiming.idleTime,
    };
  }

  #rss(): number {
    const pages = this.#statm.field(1);
    return pages === undefined ? process.memoryUsage.rss() : pages * pageBytes;
  }

  stop(): void {
    this.#schedstat.close();
    this.#statm.close();
    this.#ofSecond.disable();
    this.#ofWhole.disable();
  }
}

/** A run in process has no time of its own, so nothing of it may reach the report. */
export const noHealth: Health = {
  begin: () => undefined,
  second: () => ({}),
  whole: () => ({}),
  reset: () => undefined,
  stop: () => undefined,
};

interface HealthReading {
  readonly atMs: number;
  readonly waitNs: number;
  readonly cpuUs: number;
  readonly idleMs: number;
}

/**
 * A file of /proc/self that is opened once: a process that has run out of descriptors can still say how it fares. Where
 * there is none (not Linux) every field is undefined.
 */
class ProcFile {
  readonly #descriptor: number | undefined;
  readonly #bytes: Buffer = Buffer.alloc(256);

  constructor(name: string) {
    try {
      this.#descriptor = openSync(`/proc/self/${name}`, 'r');
    } catch {
      this.#descriptor = undefined;
    }
  }

  field(index: number): number | undefined {
    if (this.#descriptor === undefined) return undefined;
    const length = readSync(this.#descriptor, this.#bytes, 0, this.#bytes.length, 0);
    return Number(this.#bytes.toString('latin1', 0, length).trim().split(' ')[index]);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** As Linux is built nearly everywhere. */
const pageBytes = 4_096;

function delayMs(ns: number): number {
  return Math.max(0, ns / 1e6 - resolutionMs);
}
