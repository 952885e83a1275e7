import { Aliases } from './aliases.ts';
import { show } from './matchers.ts';

/** One line of a transcript. */
export interface TranscriptEvent {
  /** Since the test began. */
  readonly atMs: number;
  readonly kind: 'open' | 'sent' | 'received' | 'skipped' | 'close' | 'drop' | 'denied';
  readonly data?: string | Uint8Array;
  readonly code?: number;
}

/**
 * The transcript has what one client saw and did, in order. `String(transcript)` is the same on every run: ids and
 * times are aliased.
 */
export interface Transcript {
  readonly events: readonly TranscriptEvent[];
  /** The transcript as text, one line an event. */
  toString(): string;
}

/** What a client did or saw. */
export interface Happening extends Omit<TranscriptEvent, 'atMs'> {
  /** A close that the client itself began. */
  readonly isOwn?: boolean;
}

interface Logged extends Happening {
  readonly client: string;
  readonly atMs: number;
}

const signs = {
  open: 'open',
  sent: '→',
  received: '←',
  skipped: '· skipped',
  close: '× closed',
  drop: '× dropped',
  denied: '× denied',
} as const;
const columnWidthMax = 44;
// Kept from before fake timers can replace it.
const { Date } = globalThis;

/**
 * One client's part of a log, as far as that goes when it is read. `events` is its own, so that comparing, spreading and JSON see
 * it, by one getter for all: one in an object literal would keep the log alive for long.
 */
class ClientTranscript implements Transcript {
  static readonly #own: PropertyDescriptor & ThisType<ClientTranscript> = {
    enumerable: true,
    get: function (this: ClientTranscript) {
      return this.#events();
    },
  };
  declare readonly events: readonly TranscriptEvent[];
  readonly #events: () => TranscriptEvent[];
  readonly #text: () => string;

  constructor(events: () => TranscriptEvent[], text: () => string) {
    this.#events = events;
    this.#text = text;
    Object.defineProperty(this, 'events', ClientTranscript.#own);
  }

  toString(): string {
    return this.#text();
  }
}

/** What happened to all clients of one test, in one order. */
export class Log {
  readonly #now: () => number;
  readonly #isVirtual: boolean;
  readonly #startMs: number;
  readonly #startUnixMs: number;
  readonly #events: Logged[] = [];

  /** @param now milliseconds that never jump; shown only where they are virtual */
  constructor(options: { now: () => number; unixMs: number; isVirtual: boolean }) {
    this.#now = options.now;
    this.#isVirtual = options.isVirtual;
    this.#startMs = options.now();
    this.#startUnixMs = options.unixMs;
  }

  add(client: string, event: Happening): void {
    this.#events.push({ client, atMs: this.#now() - this.#startMs, ...event });
  }

  of(client: string): Transcript {
    const events = (): TranscriptEvent[] => this.#events.filter((event) => event.client === client).map(publicPart);
    return new ClientTranscript(events, () => this.#lines(client).join('\n'));
  }

  /** The last events of all clients, a column each. */
  diagram(countMax = 14): string {
    const shown = this.#events.slice(-countMax);
    const clients = this.#clients;
    if (shown.length === 0) return '  (nothing happened yet)';
    const aliases = this.#aliases();
    const rows = shown.map((event) => ({ event, cell: cut(aliases.replace(text(event))) }));
    const widths = clients.map((client) =>
      Math.max(client.length, ...rows.filter((row) => row.event.client === client).map((row) => row.cell.length)),
    );
    const line = (time: string, cells: readonly string[]): string =>
      `  ${time.padEnd(9)}${cells.map((cell, at) => cell.padEnd((widths[at] as number) + 2)).join('')}`.trimEnd();
    const body = rows.map(({ event, cell }) =>
      line(
        this.#time(event),
        clients.map((client) => (client === event.client ? cell : '')),
      ),
    );
    const left = this.#events.length - shown.length;
    return [line('', clients), ...(left > 0 ? [`  … ${left} earlier`] : []), ...body].join('\n');
  }

  #lines(client: string): string[] {
    const aliases = this.#aliases();
    const lines = this.#events
      .filter((event) => event.client === client)
      .map((event) => `  ${this.#time(event).padEnd(9)}${aliases.replace(text(event))}`.trimEnd());
    return [client, ...lines];
  }

  /** Given out client by client: between two of them the order may differ from run to run, over a network. */
  #aliases(): Aliases {
    const aliases = new Aliases([this.#startUnixMs, Date.now()]);
    for (const client of this.#clients) {
      for (const event of this.#events) if (event.client === client) aliases.replace(text(event));
    }
    return aliases;
  }

  get #clients(): string[] {
    return [...new Set(this.#events.map((event) => event.client))];
  }

  #time(event: TranscriptEvent): string {
    return this.#isVirtual ? `+${shortTime(event.atMs)}` : '';
  }
}

/** What a test sees of an event. */
function publicPart({ atMs, kind, data, code }: Logged): TranscriptEvent {
  return { atMs, kind, ...(data === undefined ? {} : { data }), ...(code === undefined ? {} : { code }) };
}

function text({ kind, data, code, isOwn }: Happening): string {
  const parts: string[] = [isOwn === true ? '→ close' : signs[kind]];
  if (code !== undefined) parts.push(String(code));
  if (data !== undefined) parts.push(typeof data === 'string' ? (data === '' ? '""' : data) : show(data));
  return parts.join(' ');
}

function cut(cell: string): string {
  return cell.length > columnWidthMax ? `${cell.slice(0, columnWidthMax - 1)}…` : cell;
}

function shortTime(ms: number): string {
  if (ms >= 1000 && ms % 100 === 0) return `${ms / 1000}s`;
  return `${Math.round(ms * 1000) / 1000}ms`;
}
