import type { Missed, Position } from 'channelbox';

/** What was said once, and what became of it. */
export interface Said {
  readonly id: string;
  readonly room: string;
  /** A receiver and its connection: among what one of them says there is an order. */
  readonly by: string;
  readonly number: number;
  readonly isSaved: boolean;
  readonly atMs: number;
  outcome: 'open' | 'acked' | 'not-sent' | 'unknown';
  position: Position | undefined;
  /** When its speaker knew. */
  ackedMs: number | undefined;
  /** By its node's own clock, without the time in which that could not run. */
  costMs: number;
  code: string | undefined;
  /** Said again with its key, by another connection: its place in the order is another one. */
  isAgain: boolean;
}

interface Heard {
  readonly id: string;
  readonly position: Position | undefined;
  /** Of one connection, after its page: among what is heard in one there is an order, saved or not. */
  readonly stretch: number;
  /** Since a page that did not follow on what was known. */
  readonly era: number;
}

interface Page {
  readonly since: Position;
  readonly askedMs: number;
  readonly position: Position;
  readonly ids: readonly string[];
}

/** All that one receiver was sent, over all its connections. */
export class ReceiverBook {
  readonly room: string;
  readonly heard: Heard[] = [];
  readonly ids: Set<string> = new Set();
  /** When it was told that saved messages are lost for it. */
  readonly toldMs: number[] = [];
  readonly pages: Page[] = [];
  missed: number = 0;
  doubled: string[] = [];
  misnumbered: string[] = [];
  position: Position | undefined = undefined;

  constructor(room: string) {
    this.room = room;
  }

  hear(id: string, position: Position | undefined): void {
    // What is not saved may come from a process that is late, to who has heard it elsewhere; not twice from one.
    const once = position === undefined ? `${id} in ${this.#stretch}` : id;
    if (this.#once.has(once)) this.doubled.push(id);
    this.#once.add(once);
    this.ids.add(id);
    this.heard.push({ id, position, stretch: this.#stretch, era: this.#era });
    if (position === undefined) return;
    const last = this.position;
    if (last?.epoch === position.epoch && position.offset !== last.offset + 1 && this.#toldSince !== true) {
      this.misnumbered.push(`${id}: ${last.offset} then ${position.offset} of ${position.epoch}`);
    }
    this.#toldSince = false;
    this.position = position;
  }

  tell(what: Missed, nowMs: number): void {
    if (!what.saved) return;
    this.missed += 1;
    this.toldMs.push(nowMs);
    this.#toldSince = true;
  }

  page(
    {
      recovered,
      position,
      messages,
    }: { recovered: boolean; position: Position; messages: readonly { id: string; position: Position }[] },
    { since, askedMs, nowMs }: { since: Position | undefined; askedMs: number; nowMs: number },
  ): void {
    if (since !== undefined && !recovered) {
      this.missed += 1;
      this.toldMs.push(nowMs);
      this.#toldSince = true;
    }
    if (since !== undefined && recovered) {
      this.pages.push({ since, askedMs, position, ids: messages.map(({ id }) => id) });
    }
    this.#stretch += 1;
    // A page that does not follow on what is known begins anew: it may hold what was there before.
    const isNew = since === undefined || recovered;
    if (!isNew) this.#era = this.#stretch;
    for (const { id, position: at } of messages) {
      if (isNew || !this.ids.has(id)) this.hear(id, at);
      this.position = at;
    }
    this.#stretch += 1;
    this.position = position;
  }

  #toldSince = false;
  #stretch = 0;
  #era = 0;
  readonly #once = new Set<string>();
}

/** What a run must come to: every count of the second half has to be 0. */
export interface Findings {
  acked: number;
  delivered: number;
  resumed: number;
  /** Times a receiver was told that saved messages are lost. */
  missed: number;
  notSent: number;
  unknown: number;
  /** Acknowledged, saved, not received by somebody, who was not told. */
  lost: number;
  doubled: number;
  unsentDelivered: number;
  swapped: number;
  misnumbered: number;
  wronglyRecovered: number;
  hung: number;
  /** Members that are none, or that are missing, once every lease has had its time. */
  ghosts: number;
  /** Orders obeyed after whoever gave them had been told that they were not. */
  obeyedLate: number;
  /** Processes that were not up again in time. */
  notUp: number;
}

export const clean = {
  lost: 0,
  doubled: 0,
  unsentDelivered: 0,
  swapped: 0,
  misnumbered: 0,
  wronglyRecovered: 0,
  hung: 0,
  ghosts: 0,
  obeyedLate: 0,
  notUp: 0,
} as const;

const examplesMax = 20;

/** Everything that was said and heard in a run, and what that comes to. */
export class Books {
  readonly said: Map<string, Said> = new Map();
  readonly receivers: ReceiverBook[] = [];
  readonly examples: string[] = [];
  /** Receivers of whom something is wrong. */
  readonly troubled: Set<number> = new Set();
  readonly #lateMs: number;
  readonly notUp: string[] = [];
  obeyedLate: number = 0;

  /** @param lateMs longer than this no call may take */
  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  get acked(): number {
    let count = 0;
    for (const { outcome } of this.said.values()) if (outcome === 'acked') count += 1;
    return count;
  }

  get codes(): Record<string, number> {
    const codes: Record<string, number> = {};
    for (const { code } of this.said.values()) if (code !== undefined) codes[code] = (codes[code] ?? 0) + 1;
    return codes;
  }

  /** All that those heard of whom something is wrong, in order, and what is known of it: a page is between two stretches. */
  get logs(): Record<string, unknown> {
    const logs = [...this.troubled].map((at) => {
      const { room, heard, pages, toldMs } = this.receivers[at] as ReceiverBook;
      return [
        at,
        { room, toldMs, pages, heard: heard.map((one) => ({ ...one, said: this.said.get(one.id) })) },
      ] as const;
    });
    return Object.fromEntries(logs);
  }

  /** Nobody waits for anything that was acknowledged. */
  get isComplete(): boolean {
    return this.#missing().next().done === true;
  }

  findings(ghosts: readonly string[]): Findings {
    this.troubled.clear();
    const all = [...this.said.values()];
    const count = (outcome: Said['outcome']): number => all.filter((one) => one.outcome === outcome).length;
    const sum = (of: (book: ReceiverBook) => number): number =>
      this.receivers.reduce((total, book) => total + of(book), 0);
    const each = (of: (book: ReceiverBook) => readonly string[]): string[] =>
      this.receivers.flatMap((book, at) => {
        const found = of(book);
        if (found.length > 0) this.troubled.add(at);
        return found.map((text) => `${text} at ${at}`);
      });
    const notes = {
      lost: [...this.#missing()],
      doubled: each(({ doubled }) => doubled.filter((id) => this.said.get(id)?.isAgain !== true)),
      unsentDelivered: each(({ ids }) => [...ids].filter((id) => this.said.get(id)?.outcome === 'not-sent')),
      swapped: each((book) => this.#swapped(book)),
      misnumbered: each(({ misnumbered }) => misnumbered),
      wronglyRecovered: each((book) => this.#wrongPages(book)),
      hung: all
        .filter(({ outcome, costMs }) => outcome === 'open' || costMs > this.#lateMs)
        .map(({ id, outcome, costMs }) => `${id} ${outcome} after ${costMs} ms`),
      ghosts,
      notUp: this.notUp,
    };
    for (const [what, found] of Object.entries(notes)) {
      for (const one of found.slice(0, examplesMax)) this.examples.push(`${what}: ${one}`);
    }
    return {
      acked: count('acked'),
      delivered: sum(({ heard }) => heard.length),
      resumed: sum(({ pages }) => pages.length),
      missed: sum(({ missed }) => missed),
      notSent: count('not-sent'),
      unknown: count('unknown'),
      lost: notes.lost.length,
      doubled: notes.doubled.length,
      unsentDelivered: notes.unsentDelivered.length,
      swapped: notes.swapped.length,
      misnumbered: notes.misnumbered.length,
      wronglyRecovered: notes.wronglyRecovered.length,
      hung: notes.hung.length,
      ghosts: notes.ghosts.length,
      obeyedLate: this.obeyedLate,
      notUp: notes.notUp.length,
    };
  }

  *#missing(): Generator<string> {
    for (const [at, { room, ids, toldMs }] of this.receivers.entries()) {
      const last = toldMs.at(-1) ?? -Infinity;
      for (const said of this.said.values()) {
        if (said.room !== room || !said.isSaved || said.outcome !== 'acked' || ids.has(said.id)) continue;
        if (last >= said.atMs) continue;
        this.troubled.add(at);
        yield `${said.id} ${JSON.stringify(said.position)} at ${at}, said at ${said.atMs}`;
      }
    }
  }

  /** What is saved is in order over all connections; what is not, among all that is heard live by one. */
  #swapped({ heard }: ReceiverBook): string[] {
    const newest = new Map<string, number>();
    return heard.flatMap(({ id, stretch, era }) => {
      const said = this.said.get(id);
      if (said === undefined || said.isAgain) return [];
      const orders = [`${said.by} in ${stretch}`, ...(said.isSaved ? [`${said.by} since ${era}`] : [])];
      const isLate = orders.some((order) => said.number < (newest.get(order) ?? -1));
      for (const order of orders) newest.set(order, Math.max(said.number, newest.get(order) ?? -1));
      return isLate ? [id] : [];
    });
  }

  /** What a page calls whole has everything that was acknowledged before it was asked for, each at its place. */
  #wrongPages({ room, pages }: ReceiverBook): string[] {
    const acked = [...this.said.values()].filter((said) => said.room === room && said.position !== undefined);
    return pages.flatMap(({ since, position, ids, askedMs }) => {
      const isPlaced = position.epoch === since.epoch && position.offset === since.offset + ids.length;
      const ofPage = acked.filter(
        ({ position: at }) => at?.epoch === position.epoch && at.offset > since.offset && at.offset <= position.offset,
      );
      const isRight = ofPage.every(({ id, position: at }) => ids[(at?.offset ?? 0) - since.offset - 1] === id);
      const isCurrent = acked.every(
        ({ position: at, ackedMs }) =>
          at?.epoch !== position.epoch || ackedMs === undefined || ackedMs > askedMs || at.offset <= position.offset,
      );
      return isPlaced && isRight && isCurrent
        ? []
        : [`page of ${room} since ${since.offset} to ${position.offset} with ${ids.length}`];
    });
  }
}
