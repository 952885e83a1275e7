import { App, ChannelBox, type ChannelLayer, type HistoryPage, type Position } from 'channelbox';
import { expect } from 'vitest';
import { ManualClock, turn } from '../manual-clock.ts';
import { Peers, type Peer } from '../peers.ts';
import { randomFrom } from '../layer/broker.ts';

export interface ResumeRun {
  readonly seed: number;
  readonly layers: readonly ChannelLayer[];
  /** What `first` returns is a promise. */
  readonly isAsync: boolean;
  settle(): Promise<void>;
}

interface Seen {
  readonly page: Pick<HistoryPage, 'recovered' | 'position'> & { readonly numbers: number[] };
  readonly since: Position | null;
  readonly frames: { readonly n: number; readonly position: Position }[];
}

const steps = 80;

export function runTrial(run: ResumeRun): Promise<void> {
  return new ResumeTrial(run).run();
}

/**
 * Saves, flushes, trims, joins and reconnects in the order that a seed gives, over as many nodes as there are layers;
 * then everyone's account is checked: every saved message exactly once and in order, or a page that says it is not.
 */
class ResumeTrial {
  readonly #run: ResumeRun;
  readonly #random: () => number;
  readonly #clock = new ManualClock();
  readonly #apps: App[] = [];
  readonly #peers: Peers[] = [];
  readonly #saved: { readonly n: number; readonly position: Position }[] = [];
  readonly #pending: Promise<unknown>[] = [];
  readonly #clients: (Client | undefined)[] = [undefined, undefined, undefined];
  readonly #accounts: Client[] = [];
  readonly #failures: unknown[] = [];
  #count = 0;

  constructor(run: ResumeRun) {
    this.#run = run;
    this.#random = randomFrom(run.seed);
    for (const layer of run.layers) this.#addNode(layer);
  }

  async run(): Promise<void> {
    for (let step = 0; step < steps; step += 1) {
      await this.#step();
      await turn(this.#below(4));
    }
    await Promise.all(this.#pending);
    await this.#run.settle();
    this.#check();
    for (const app of this.#apps) {
      const closing = app.close();
      await turn(3);
      await this.#run.settle();
      this.#clock.advance(60_000);
      await closing;
    }
  }

  #addNode(layer: ChannelLayer): void {
    const channelBox = new ChannelBox({
      layer,
      historyCount: 12,
      frame: ({ payload, position }) => ({ n: payload, position }),
    });
    const app = new App({ channelBox, clock: this.#clock, onError: (error) => this.#failures.push(error) });
    app.wsRoute('/room', async (ws) => {
      await ws.accept();
      const since = await ws.receiveJson<Position | null>();
      await ws.resume('room', {
        since: since ?? undefined,
        first: (page) => {
          const send = (): unknown => ws.sendJson({ page });
          return this.#run.isAsync ? turn(this.#below(6)).then(send) : send();
        },
      });
      await ws.receive();
    });
    this.#apps.push(app);
    this.#peers.push(new Peers(app));
  }

  async #step(): Promise<void> {
    const box = this.#pick(this.#apps).channelBox;
    const chance = this.#random();
    if (chance < 0.55) this.#save(box);
    else if (chance < 0.62) this.#pending.push(box.groupSend('room', 'unsaved'));
    else if (chance < 0.66) this.#pending.push(box.flushHistory('room'));
    else await this.#moveClient();
  }

  #save(box: App['channelBox']): void {
    const n = (this.#count += 1);
    const saving = box.groupSend('room', n, { saveHistory: true }).then(({ position }) => {
      if (position !== undefined) this.#saved.push({ n, position });
    });
    this.#pending.push(saving);
  }

  /** One leaves, by a close or by vanishing; or comes back, to any node, with what it saw last. */
  async #moveClient(): Promise<void> {
    const at = this.#below(this.#clients.length);
    const client = this.#clients[at];
    if (client !== undefined && client.peer !== undefined) {
      if (this.#random() < 0.5) client.peer.close(1000);
      else client.peer.drop();
      client.note();
      client.peer = undefined;
      return;
    }
    const returning = client ?? new Client();
    if (client === undefined) {
      this.#clients[at] = returning;
      this.#accounts.push(returning);
    }
    returning.peer = await this.#pick(this.#peers).connect('/room');
    returning.since = returning.last;
    returning.peer.send(JSON.stringify(returning.since));
  }

  #check(): void {
    const why = `seed ${this.#run.seed}`;
    expect(this.#failures, why).toEqual([]);
    // A later epoch has a higher number at its end.
    const order = this.#saved.toSorted(
      (one, other) => epochOf(one.position) - epochOf(other.position) || one.position.offset - other.position.offset,
    );
    const places = new Map(order.map(({ position }, place) => [`${position.epoch} ${position.offset}`, place]));
    const numbers = order.map(({ n }) => n);
    const after = ({ epoch, offset }: Position): number =>
      offset === 0
        ? order.findIndex(({ position }) => position.epoch === epoch)
        : (places.get(`${epoch} ${offset}`) ?? -2) + 1;
    for (const client of this.#accounts) {
      if (client.peer !== undefined) client.note();
      for (const { page, since, frames } of client.seen) {
        if (since !== null && page.recovered) {
          const from = after(since);
          expect(page.numbers, `${why}: a recovered page is all that came since`).toEqual(
            page.numbers.length === 0 ? [] : numbers.slice(from, from + page.numbers.length),
          );
          if (page.numbers.length === 0) expect(page.position, why).toEqual(since);
          else expect(after(page.position), why).toBe(from + page.numbers.length);
        }
        if (frames.length === 0) continue;
        const from = after(frames[0]?.position as Position) - 1;
        const live = frames.map(({ n }) => n);
        expect(live, `${why}: frames are all that was saved, each once, in order`).toEqual(
          numbers.slice(from, from + live.length),
        );
        const pageEnd = `${page.position.epoch} ${page.position.offset}`;
        if (places.has(pageEnd)) {
          expect(from, `${why}: the frames go on where the page ends`).toBe((places.get(pageEnd) ?? 0) + 1);
        }
      }
      if (client.peer !== undefined && client.seen.length > 0 && order.length > 0) {
        const { page, frames } = client.seen.at(-1) as Seen;
        const end = frames.at(-1)?.position ?? page.position;
        const isFlushed = frames.length === 0 && !places.has(`${page.position.epoch} ${page.position.offset}`);
        if (!isFlushed) expect(end, `${why}: who stays has seen the last`).toEqual(order.at(-1)?.position);
      }
    }
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }
}

class Client {
  peer: Peer | undefined;
  since: Position | null = null;
  last: Position | null = null;
  readonly seen: Seen[] = [];

  /** Reads what the connection has brought so far. */
  note(): void {
    const frames: Seen['frames'] = [];
    let page: Seen['page'] | undefined;
    for (const text of this.peer?.texts ?? []) {
      const frame = JSON.parse(String(text)) as { page?: HistoryPage; n: number; position: Position } | string;
      if (typeof frame === 'string') expect(page, 'the page comes before any frame').toBeDefined();
      else if (frame.page !== undefined) {
        const { messages, recovered, position } = frame.page;
        page = { recovered, position, numbers: messages.map(({ payload }) => payload as number) };
        this.last = position;
      } else {
        expect(page, 'the page comes before any frame').toBeDefined();
        frames.push(frame);
        this.last = frame.position;
      }
    }
    if (page !== undefined) this.seen.push({ page, since: this.since, frames });
  }
}

function epochOf({ epoch }: Position): number {
  return Number(/\d+$/.exec(epoch)?.[0]);
}
