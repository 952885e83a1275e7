import type {
  FromGenerator,
  GeneratorPort,
  GeneratorResult,
  Mark,
  Progress,
  SharedLog,
  ToGenerator,
} from '../message.ts';
import { revive } from '../plain-error.ts';
import { LoadError } from '../load-error.ts';
import type { RunSummary } from '../plan/run-summary.ts';
import type { RunResults } from '../result/assemble.ts';
import { Seconds } from '../result/seconds.ts';
import { brokenEarly } from '../result/threshold-result.ts';
import type { LoadTime } from '../time.ts';

export interface CoordinatorOptions {
  readonly summary: RunSummary;
  readonly ports: readonly GeneratorPort[];
  readonly time: LoadTime;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly onTrace?: ((line: string) => void) | undefined;
}

/** Time for every process to have received the word. */
const startDelayUs = 20_000;

/** Refusals after which a run that nobody got into is given up. */
const refusalsMax = 100;

/** Leads all generators of a run through the same steps: start, hold, fall silent, settle, close. */
export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #seconds: Seconds;
  readonly #marks: Mark[] = [];
  readonly #reached: Map<FromGenerator['type'], number> = new Map();
  readonly #logs: SharedLog[] = [];
  readonly #results: GeneratorResult[] = [];
  #lastSendUs: number = 0;
  #connected: number = 0;
  #startUs: number = 0;
  #endUs: number = Infinity;
  #resolve: (findings: RunResults) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#seconds = new Seconds(options.ports.length);
  }

  run(): Promise<RunResults> {
    return new Promise((resolve, reject) => {
      const { summary, time, signal } = this.#options;
      const onAbort = (): void => this.#stop('interrupted');
      const cleanUp = (): void => signal?.removeEventListener('abort', onAbort);
      this.#resolve = (findings) => {
        cleanUp();
        resolve(findings);
      };
      this.#reject = (error) => {
        cleanUp();
        reject(error);
      };
      this.#startUs = time.nowUs() + startDelayUs;
      if (!summary.holds) this.#endUs = this.#startUs + summary.plannedMs * 1_000;
      this.#marks.push(...summary.stages);
      this.#tell({ type: 'start', startUs: this.#startUs, endUs: this.#endUs });
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  receive(index: number, message: FromGenerator): void {
    switch (message.type) {
      case 'failed':
        return this.#reject(revive(message.error, `generator ${index + 1} failed: `));
      case 'trace':
        return this.#options.onTrace?.(message.line);
      case 'tick':
        if (this.#seconds.add(message)) this.#onSecond();
        return;
      case 'spoken':
        this.#logs.push(...message.logs);
        this.#lastSendUs = Math.max(this.#lastSendUs, message.lastSendUs);
        break;
      case 'connected':
        this.#connected += message.opened;
        break;
      case 'result':
        this.#results[index] = message.result;
        break;
      default:
    }
    const reached = (this.#reached.get(message.type) ?? 0) + 1;
    this.#reached.set(message.type, reached);
    if (reached === this.#options.ports.length) this.#allReached(message.type);
  }

  /** A generator is gone before its result. */
  lost(index: number, why: string): void {
    this.#reject(new LoadError('CHANNELBOX_LOAD_FAILED', `generator ${index + 1} ${why}; its part of the run is lost`));
  }

  #allReached(type: FromGenerator['type']): void {
    const { summary, time } = this.#options;
    if (type === 'connected' && summary.holds) {
      this.#mark('all connects answered');
      this.#endAt(this.#isAnybodyIn() ? time.nowUs() + summary.plannedMs * 1_000 : time.nowUs());
    } else if (type === 'scripted') this.#endAt(time.nowUs());
    else if (type === 'spoken') {
      this.#mark('speaking ends');
      this.#tell({ type: 'logs', logs: this.#logs, lastSendUs: this.#lastSendUs });
    } else if (type === 'settled') this.#tell({ type: 'close' });
    else if (type === 'result') {
      this.#seconds.finish();
      const marks = [...this.#marks, ...this.#results.flatMap((result) => result.marks)];
      marks.sort((one, other) => one.atMs - other.atMs);
      this.#resolve({ results: this.#results, seconds: this.#seconds, marks, elapsedMs: this.#elapsedMs() });
    }
  }

  #onSecond(): void {
    const { summary, onProgress } = this.#options;
    const last = this.#seconds.length - 1;
    const broken = brokenEarly(summary, this.#seconds);
    if (broken !== undefined && this.#reached.get('spoken') === undefined)
      this.#stop(`stopped early: ${broken} is broken`);
    if (this.#isHopeless(last)) this.#stop('stopped early: nobody could connect');
    if (onProgress === undefined) return;
    const { missing, connected } = this.#seconds.at(last);
    const { published, delivered, refused, dropped } = this.#seconds.counts(0, last);
    onProgress({ elapsedMs: this.#elapsedMs(), connected, published, delivered, lost: missing, refused, dropped });
  }

  /** So many were turned away, and nobody was let in: more of the same proves nothing more. */
  #isHopeless(last: number): boolean {
    const { summary } = this.#options;
    if (summary.thresholds.some(({ metric }) => metric === 'refused')) return false;
    const { opened, refused } = this.#seconds.counts(0, last);
    return opened === 0 && refused >= Math.min(refusalsMax, summary.clients);
  }

  /** Said when all connects have been answered; the ticks of the last second are still to come. */
  #isAnybodyIn(): boolean {
    return this.#connected > 0;
  }

  #stop(why: string): void {
    if (this.#endUs <= this.#options.time.nowUs()) return;
    this.#mark(why);
    this.#endAt(this.#options.time.nowUs());
  }

  #endAt(endUs: number): void {
    if (endUs >= this.#endUs) return;
    this.#endUs = endUs;
    this.#tell({ type: 'endAt', endUs });
  }

  #mark(what: string): void {
    this.#marks.push({ atMs: this.#elapsedMs(), what });
  }

  #elapsedMs(): number {
    return Math.max(0, Math.round((this.#options.time.nowUs() - this.#startUs) / 1_000));
  }

  #tell(message: ToGenerator): void {
    for (const port of this.#options.ports) port.send(message);
  }
}
