import type { Frame, Message, ProbedConnection, UpgradeAnswer, Wire } from '../../../src/index.ts';
import { SimLane } from './lane.ts';
import { stampsIn } from './record.ts';
import { SimUpgrade } from './upgrade.ts';
import { SimWire, type DownItem, type WireHost } from './wire.ts';
import type { World } from './world.ts';

type UpItem =
  | { readonly kind: 'upgrade' }
  | { readonly kind: 'frame'; readonly message: Message }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'pong' }
  | { readonly kind: 'vanish' };

/** The client's end, as what arrives there finds it. */
export interface ClientEnd {
  readonly name: string;
  readonly isReading: boolean;
  /** Whether it is still this connection's. */
  isOn(link: SimLink): boolean;
  opened(link: SimLink, answer: UpgradeAnswer): void;
  denied(link: SimLink, answer: { readonly status: number; readonly headers: Headers; readonly body: string }): void;
  frame(link: SimLink, received: Received): void;
  ended(link: SimLink, code: number, reason: string): void;
}

/** The node that a connection leads to. */
export interface LinkNode {
  readonly name: string;
  readonly isFenced: boolean;
  enter(run: () => void, owner: unknown): void;
  handle(link: SimLink): void;
}

/** A frame as a client has it. */
export interface Received {
  readonly data: string | Uint8Array;
  readonly text: string;
  readonly stamps: readonly string[];
  /** Of the delivery that it came by. */
  readonly of: number | undefined;
}

type DownLaid =
  | DownItem
  | { readonly kind: 'open'; readonly answer: UpgradeAnswer }
  | ({ readonly kind: 'denied' } & Answer);
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface LinkOptions {
  readonly world: World;
  readonly client: ClientEnd;
  readonly node: LinkNode;
  readonly conn: number;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Tells of a frame which delivery it belongs to; the read form of one frame serves all who get it. */
export const receivedForms: WeakMap<Frame, Received> = new WeakMap();

/** One connection carries what travels up and down, in order, and has the server's end of it. */
export class SimLink implements WireHost {
  readonly world: World;
  readonly client: ClientEnd;
  readonly node: LinkNode;
  readonly conn: number;
  readonly upgrade: SimUpgrade;
  /** As the framework has it, from the moment it was routed. */
  connection: ProbedConnection | undefined = undefined;
  /** The app's own code for it has begun and not ended. */
  isRunning: boolean = false;
  /** What its code called last. */
  lastCall: string = '';
  /** Nothing passes any more, and nobody is told. */
  isDead: boolean = false;
  wasAccepted: boolean = false;
  /** The server's end is over, or never came to be. */
  isOver: boolean = false;
  readonly #up: SimLane<UpItem>;
  readonly #down: SimLane<DownLaid>;
  #wire: SimWire | undefined = undefined;
  #unread: DownLaid[] | undefined = undefined;
  #hasLeft = false;
  #hasSaidClose = false;

  constructor({ world, client, node, conn, path, headers }: LinkOptions) {
    this.world = world;
    this.client = client;
    this.node = node;
    this.conn = conn;
    const host = `10.0.${(Number(client.name.slice(1)) >> 8) & 255}.${Number(client.name.slice(1)) & 255}`;
    const { acceptsNow, chunks } = world.config;
    this.upgrade = new SimUpgrade(this, { path, headers, client: { host, port: 1_024 + (conn % 64_000) }, acceptsNow });
    this.#up = new SimLane<UpItem>(world, {
      take: this.#arriveUp,
      reachesApp: true,
      chunks,
      enter: (run) => node.enter(run, this),
    });
    this.#down = new SimLane<DownLaid>(world, { take: this.#arriveDown, reachesApp: false });
  }

  get isFenced(): boolean {
    return this.node.isFenced;
  }

  // ── The client's calls ────────────────────────────────────────────────────────────────────────────────────────────

  ask(): void {
    this.#put({ kind: 'upgrade' });
  }

  say(message: Message): void {
    this.#put({ kind: 'frame', message });
  }

  sayClose(code: number, reason: string): void {
    if (this.#hasSaidClose) return;
    this.#hasSaidClose = true;
    this.#put({ kind: 'close', code, reason });
  }

  /** The client is gone, without a word. What it said before still arrives. */
  vanish(): void {
    this.#unread = undefined;
    this.#down.clear();
    if (!this.isDead) this.#put({ kind: 'vanish' });
  }

  /** The client reads again. */
  readOn(): void {
    const unread = this.#unread;
    if (unread === undefined) return;
    this.#unread = undefined;
    for (const item of unread) this.#arriveDown(item);
  }

  // ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Broken off: what is on its way is lost, both ends learn of it. */
  cut(): void {
    this.#up.clear();
    this.#down.clear();
    this.#unread = undefined;
    this.#put({ kind: 'vanish' });
    if (this.client.isOn(this)) this.client.ended(this, 1006, '');
  }

  block(): void {
    this.#up.block();
    this.#down.block();
  }

  unblock(): void {
    if (this.isDead) return;
    this.#up.unblock();
    this.#down.unblock();
  }

  /** Dead for good; neither end is told. */
  die(): void {
    this.isDead = true;
    this.block();
    this.#up.clear();
    this.#down.clear();
  }

  /** The machine at the other end is gone. */
  nodeCrashed(): void {
    this.isOver = true;
    this.#up.clear();
    this.#down.clear();
    this.#unread = undefined;
    if (this.isDead) return;
    this.#down.put({ kind: 'cut' }, this.world.config.latencyMs);
  }

  // ── The server's end ──────────────────────────────────────────────────────────────────────────────────────────────

  open(answer: UpgradeAnswer): Wire {
    this.#wire = new SimWire(this, answer.maxPayloadBytes ?? 1_048_576);
    this.wasAccepted = true;
    const { record, nowMs } = this.world;
    if (record.isKeeping) {
      record.note({ t: nowMs, e: 'accepted', c: this.client.name, conn: this.conn, node: this.node.name });
    }
    this.#putDown({ kind: 'open', answer });
    return this.#wire;
  }

  refuse(status: number, headers: Headers, body: string): void {
    this.isOver = true;
    this.#putDown({ kind: 'denied', status, headers, body });
  }

  acceptDelayMs(): number {
    return this.world.tape.draw('accept', this.client.name, this.world.cause);
  }

  enter(afterMs: number, run: () => void): void {
    this.world.reach(afterMs, () => this.node.enter(run, this));
  }

  send(item: DownItem): void {
    this.#putDown(item);
  }

  onServerClose(code: number): void {
    this.#note('serverClose', code);
  }

  onGone(code: number): void {
    this.isOver = true;
    this.#note('gone', code);
  }

  #note(e: 'serverClose' | 'gone', code: number): void {
    this.world.record.note({ t: this.world.nowMs, e, c: this.client.name, conn: this.conn, code });
  }

  #put(item: UpItem): void {
    if (this.isDead) return;
    const { tape, cause, config } = this.world;
    this.#up.put(item, config.latencyMs + tape.draw('up', this.client.name, cause));
  }

  #putDown(item: DownLaid): void {
    if (this.isDead || this.isFenced || this.#hasLeft) return;
    const { tape, cause, config } = this.world;
    this.#down.put(item, config.latencyMs + tape.draw('down', this.client.name, cause));
  }

  readonly #arriveUp = (item: UpItem): void => {
    if (item.kind === 'upgrade') this.node.handle(this);
    else if (item.kind === 'vanish') {
      this.#hasLeft = true;
      this.upgrade.leave();
      this.#wire?.vanish();
      if (this.#wire === undefined) this.isOver = true;
    } else if (item.kind === 'frame') this.#wire?.arrive(item.message);
    else if (item.kind === 'close') this.#wire?.arriveClose(item.code, item.reason);
    else this.#wire?.arrivePong();
  };

  readonly #arriveDown = (item: DownLaid): void => {
    const { client } = this;
    if (!client.isOn(this)) return;
    const mayWait = item.kind === 'frame' || item.kind === 'close' || item.kind === 'ping';
    if (mayWait && (this.#unread !== undefined || !client.isReading)) {
      (this.#unread ??= []).push(item);
      return;
    }
    if (item.kind === 'frame') {
      this.#wire?.wasRead(item.bytes);
      client.frame(this, receivedOf(item.frame));
    } else if (item.kind === 'ping') this.#put({ kind: 'pong' });
    else if (item.kind === 'open') client.opened(this, item.answer);
    else if (item.kind === 'close') {
      this.sayClose(item.code, item.reason);
      client.ended(this, item.code, item.reason);
    } else if (item.kind === 'denied') client.denied(this, item);
    else client.ended(this, 1006, '');
  };
}

/** Half a surrogate pair has no UTF-8: it arrives as U+FFFD. */
export function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed();
}

function receivedOf(frame: Frame): Received {
  const known = receivedForms.get(frame);
  if (known !== undefined && known.data !== '') return known;
  const data = typeof frame.data === 'string' ? wellFormed(frame.data) : new Uint8Array(frame.data);
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
  const received: Received = { data, text, stamps: stampsIn(text), of: known?.of };
  receivedForms.set(frame, received);
  return received;
}
