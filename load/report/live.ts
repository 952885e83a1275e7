import type { RunPlan } from '../plan/run-summary.ts';
import type { Progress } from '../message.ts';
import { clockTime, whole } from './format/format.ts';
import { palette, type Palette, type Terminal } from './terminal.ts';

export interface LiveOptions {
  /** What is being run, for the first line. */
  readonly title: string;
  /** Lines in place of drawing, even on a terminal. */
  readonly isPlain?: boolean;
}

/** How often a plain line is written. */
const plainEveryMs = 5_000;
/** Rates are over the last few seconds, so that they can be read. */
const rateOverMs = 3_000;

/**
 * Shows a run while it goes on: a few lines drawn over each other on a terminal, elsewhere a plain line every 5 s.
 * Everything goes to standard error.
 */
export class LiveView {
  readonly #terminal: Terminal;
  readonly #options: LiveOptions;
  readonly #colours: Palette;
  readonly #isDrawn: boolean;
  /** Of the present run; a scenario in a file has not told yet. */
  #plan: RunPlan | undefined;
  #recent: Progress[] = [];
  #linesDrawn = 0;
  /** Refused and dropped clients that have been told of. */
  #turnedAway = 0;
  #plainMs: number;
  #hint = 'Ctrl-C drains and reports, twice aborts';

  constructor(terminal: Terminal, options: LiveOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#colours = palette(terminal.isNoteColoured);
    this.#isDrawn = terminal.isInteractive && options.isPlain !== true;
    this.#plainMs = terminal.nowMs();
    if (!this.#isDrawn) terminal.note(`${options.title}\n`);
  }

  /** What the run that begins now is meant to be. */
  plan(plan: RunPlan): void {
    this.#plan = plan;
  }

  update(progress: Progress): void {
    const isAnotherRun = progress.elapsedMs < (this.#recent.at(-1)?.elapsedMs ?? 0);
    const recent = isAnotherRun ? [] : this.#recent.filter((past) => progress.elapsedMs - past.elapsedMs <= rateOverMs);
    this.#recent = [...recent, progress];
    if (isAnotherRun) this.#turnedAway = 0;
    if (this.#isDrawn) return this.#draw(progress);
    this.#announceRefusals(progress);
    const nowMs = this.#terminal.nowMs();
    if (nowMs - this.#plainMs < plainEveryMs) return;
    this.#plainMs = nowMs;
    this.#terminal.note(`${plainLine(progress, this.#rates(progress), this.#plan)}\n`);
  }

  /** A line as soon as there are more of them: a plain view is read by people, logs and screen readers, line by line. */
  #announceRefusals({ elapsedMs, refused = 0, dropped = 0 }: Progress): void {
    if (refused + dropped <= this.#turnedAway) return;
    this.#turnedAway = refused + dropped;
    this.#terminal.note(`${clockTime(elapsedMs)}  refused ${whole(refused)}  dropped ${whole(dropped)}\n`);
  }

  /** Shown below the figures from now on; a plain view writes it once. */
  tell(hint: string): void {
    this.#hint = hint;
    const last = this.#recent.at(-1);
    if (!this.#isDrawn) this.#terminal.note(`${hint}\n`);
    else if (last !== undefined) this.#draw(last);
  }

  /** A line of its own, above what is drawn. */
  line(text: string): void {
    this.#terminal.note(`${this.#erase()}${text}\n`);
    this.#linesDrawn = 0;
  }

  /** Takes the drawn lines away, so that the result stands alone; a plain view says that the run is over. */
  end(): void {
    const last = this.#recent.at(-1);
    if (this.#isDrawn) this.#terminal.note(this.#erase());
    else if (last !== undefined) this.#terminal.note(`${clockTime(last.elapsedMs)}  the run is over\n`);
    this.#linesDrawn = 0;
  }

  #draw(progress: Progress): void {
    const { bold, dim } = this.#colours;
    const lines = [
      bold(fit(this.#options.title, this.#terminal.columns)),
      this.#bar(progress),
      this.#figures(progress),
      dim(this.#hint),
    ];
    this.#terminal.note(`${this.#erase()}${lines.join('\n')}\n`);
    this.#linesDrawn = lines.length;
  }

  #erase(): string {
    return this.#linesDrawn === 0 ? '' : `\u001b[${this.#linesDrawn}A\u001b[0J`;
  }

  #bar(progress: Progress): string {
    const { cyan, dim } = this.#colours;
    const plannedMs = this.#plan?.plannedMs ?? 0;
    if (plannedMs <= 0) return clockTime(progress.elapsedMs);
    const done = Math.min(1, progress.elapsedMs / plannedMs);
    const time = `${clockTime(progress.elapsedMs)} / ${clockTime(plannedMs)}`;
    const width = Math.max(10, Math.min(48, this.#terminal.columns - time.length - 2));
    const full = Math.round(done * width);
    return `${cyan('━'.repeat(full))}${dim('─'.repeat(width - full))}  ${time}`;
  }

  #figures(progress: Progress): string {
    const { bold, red, green } = this.#colours;
    const { published, delivered } = this.#rates(progress);
    const turnedAway = (progress.refused ?? 0) + (progress.dropped ?? 0);
    const lost = progress.lost > 0 ? red(whole(progress.lost)) : green('0');
    const figures = [
      `clients ${bold(clientsText(progress, this.#plan))}`,
      `sent ${bold(whole(published))}/s`,
      `delivered ${bold(whole(delivered))}/s`,
      `missing ${bold(lost)}`,
      ...(turnedAway > 0 ? [`refused or dropped ${bold(red(whole(turnedAway)))}`] : []),
    ];
    return figures.join('   ');
  }

  /** Per second, over the last few seconds. */
  #rates(progress: Progress): Rates {
    const first = this.#recent[0];
    const start = first === undefined || first === progress ? { elapsedMs: 0, published: 0, delivered: 0 } : first;
    const seconds = Math.max(0.001, (progress.elapsedMs - start.elapsedMs) / 1_000);
    return {
      published: Math.max(0, progress.published - start.published) / seconds,
      delivered: Math.max(0, progress.delivered - start.delivered) / seconds,
    };
  }
}

interface Rates {
  readonly published: number;
  readonly delivered: number;
}

function clientsText(progress: Progress, plan: RunPlan | undefined): string {
  const connected = whole(progress.connected);
  return plan === undefined ? connected : `${connected} / ${whole(plan.clients)}`;
}

function plainLine(progress: Progress, rates: Rates, plan: RunPlan | undefined): string {
  return [
    clockTime(progress.elapsedMs),
    `clients ${clientsText(progress, plan)}`,
    `sent ${whole(progress.published)} (${whole(rates.published)}/s)`,
    `delivered ${whole(progress.delivered)} (${whole(rates.delivered)}/s)`,
    `missing ${whole(progress.lost)}`,
  ].join('  ');
}

/** One line stays one line: a wrapped one could not be drawn over. */
function fit(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(1, columns - 1))}…`;
}
