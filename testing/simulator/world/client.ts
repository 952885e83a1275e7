import type { ConnectTo, SimClient, SimClientEvent } from '../api/client.ts';
import type { SimStep } from '../api/report.ts';
import { SimLink, wellFormed, type ClientEnd, type LinkNode, type Received } from './link.ts';
import { stampsIn } from './record.ts';
import type { World } from './world.ts';

/** What an operation was, before it is written down. */
export type ClientOp = Extract<SimStep, { op: unknown }>['op'];

/** What a client needs of the run that it is in. */
export interface ClientHost {
  readonly world: World;
  readonly react: ((c: SimClient, event: SimClientEvent) => void) | undefined;
  nextConn(): number;
  /** The node to go to; undefined: it is down, or there is none of that name. */
  nodeFor(client: SimulatedClient, name: string | undefined): LinkNode | undefined;
  /** An operation that was no reaction: it may have to be written down. */
  onOp(client: SimulatedClient, op: ClientOp, args: readonly unknown[]): void;
  onLink(link: SimLink): void;
  /** The client's own code threw. */
  onThrown(error: unknown, where: string): void;
}

/** The connection ended before what an action waited for came: no failure, and the end of the action. */
export class ConnectionEnded extends Error {
  override readonly name: string = 'ConnectionEnded';
  readonly code: string = 'CHANNELBOX_SIM_CONNECTION_ENDED';
}

interface FrameWaiter {
  // oxlint-disable-next-line no-explicit-any -- a frame is what the app sends
  readonly match: ((frame: any) => boolean) | undefined;
  resolve(frame: unknown): void;
  reject(error: Error): void;
}

/** A frame as `react` gets it: its JSON is read when somebody asks for it. */
class FrameEvent {
  readonly kind = 'frame';
  readonly text: string;
  #json: unknown = undefined;
  #isRead = false;

  constructor(text: string) {
    this.text = text;
  }

  get json(): unknown {
    if (!this.#isRead) {
      this.#isRead = true;
      this.#json = jsonOf(this.text);
    }
    return this.#json;
  }
}

/** The JSON of a text, else the text. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** One client lives on over all its connections. What it calls happens in the step, or the event, that is under way. */
export class SimulatedClient implements SimClient, ClientEnd {
  readonly name: string;
  state: SimClient['state'] = 'closed';
  // oxlint-disable-next-line no-explicit-any -- what a simulation keeps there is its own affair
  readonly data: Record<string, any> = {};
  /** An action that waits for something. */
  isBusy: boolean = false;
  /** Held back by a fault, whatever the client itself wants. */
  isSlow: boolean = false;
  /** Its connects are refused by the network. */
  isRefused: boolean = false;
  link: SimLink | undefined = undefined;
  #isPaused = false;
  #isReacting = false;
  #waiters: FrameWaiter[] | undefined = undefined;
  readonly #host: ClientHost;

  constructor(host: ClientHost, name: string) {
    this.#host = host;
    this.name = name;
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  get isReading(): boolean {
    return !this.#isPaused && !this.isSlow;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  // ── What actions and reactions call ───────────────────────────────────────────────────────────────────────────────

  connect(path: string, options: Omit<ConnectTo, 'path'> = {}): void {
    if (this.state !== 'closed') return;
    const host = this.#host;
    const { world } = host;
    const node = this.isRefused ? undefined : host.nodeFor(this, options.node);
    this.#told('connect', [path, ...(Object.keys(options).length === 0 ? [] : [options])]);
    this.state = 'connecting';
    this.#isPaused = false;
    const conn = host.nextConn();
    const where = options.node ?? node?.name;
    const to = where === undefined ? {} : { node: where };
    world.record.note({ t: world.nowMs, e: 'connect', c: this.name, conn, ...to });
    if (node === undefined) {
      world.later(world.config.latencyMs, () => this.#refused(conn));
      return;
    }
    const headers = Object.entries(options.headers ?? {});
    this.link = new SimLink({ world, client: this, node, conn, path, headers });
    host.onLink(this.link);
    this.link.ask();
  }

  send(data: string | Uint8Array): void {
    const { link } = this;
    if (link === undefined || this.state !== 'open') return;
    this.#told('send', [data]);
    const { world } = this.#host;
    const isText = typeof data === 'string';
    if (world.record.isKeeping) {
      const text = isText ? wellFormed(data) : Buffer.from(data).toString('utf8');
      const { name: c } = this;
      world.record.note({ t: world.nowMs, e: 'send', c, conn: link.conn, text, stamps: stampsIn(text) });
    }
    link.say(isText ? { type: 'text', data: wellFormed(data) } : { type: 'bytes', data: new Uint8Array(data) });
  }

  sendJson(value: unknown): void {
    this.send(JSON.stringify(value));
  }

  close(code?: number, reason = ''): void {
    if (this.link === undefined || this.state !== 'open') return;
    this.#told('close', code === undefined ? [] : reason === '' ? [code] : [code, reason]);
    this.state = 'closing';
    this.link.sayClose(code ?? 1005, reason);
  }

  drop(): void {
    const { link } = this;
    if (link === undefined || (this.state !== 'open' && this.state !== 'connecting')) return;
    this.#told('drop', []);
    const { world } = this.#host;
    world.record.note({ t: world.nowMs, e: 'drop', c: this.name, conn: link.conn });
    link.vanish();
    this.ended(link, 1006, '');
  }

  pause(): void {
    if (this.state !== 'open' || this.#isPaused) return;
    this.#told('pause', []);
    this.#isPaused = true;
    const { world } = this.#host;
    world.record.note({ t: world.nowMs, e: 'fault', fault: 'slowReader', c: this.name });
  }

  resume(): void {
    if (this.state !== 'open' || !this.#isPaused) return;
    this.#told('resume', []);
    this.#isPaused = false;
    if (this.isReading) this.link?.readOn();
  }

  next<T>(match?: (frame: T) => boolean): Promise<T> {
    if (this.state === 'closed') return Promise.reject(ended());
    return new Promise<T>((resolve, reject) => {
      (this.#waiters ??= []).push({ match, resolve: resolve as (frame: unknown) => void, reject });
    });
  }

  sleep(ms: number): Promise<void> {
    const { world } = this.#host;
    return new Promise((resolve) => {
      world.reach(Math.max(0, Math.ceil(ms)), resolve);
    });
  }

  // ── What reaches it ───────────────────────────────────────────────────────────────────────────────────────────────

  isOn(link: SimLink): boolean {
    return this.link === link && this.state !== 'closed';
  }

  opened(link: SimLink): void {
    if (this.state !== 'connecting') return;
    this.state = 'open';
    const { world } = this.#host;
    world.record.note({ t: world.nowMs, e: 'open', c: this.name, conn: link.conn });
    this.#react({ kind: 'open' });
  }

  denied(link: SimLink, answer: { readonly status: number }): void {
    const { world } = this.#host;
    world.record.note({ t: world.nowMs, e: 'denied', c: this.name, conn: link.conn, status: answer.status });
    this.#leave();
    this.#react({ kind: 'closed', code: 1006, reason: `HTTP ${answer.status}` });
  }

  frame(link: SimLink, received: Received): void {
    const { world, react } = this.#host;
    const { text, stamps, of } = received;
    if (world.record.isKeeping) {
      const { name: c } = this;
      const { conn } = link;
      const t = world.nowMs;
      // Written out twice: a spread would give each event a hidden class of its own.
      world.record.note(
        of === undefined ? { t, e: 'recv', c, conn, text, stamps } : { t, e: 'recv', c, conn, text, stamps, of },
      );
    } else world.record.countDeliveries(1);
    if (react === undefined && this.#waiters === undefined) return;
    const event = new FrameEvent(text);
    if (this.#waiters !== undefined) this.#wakeFor(event);
    this.#react(event);
  }

  ended(link: SimLink, code: number, reason: string): void {
    const { world } = this.#host;
    world.record.note({ t: world.nowMs, e: 'close', c: this.name, conn: link.conn, code });
    this.#leave();
    this.#react({ kind: 'closed', code, reason });
  }

  /** All has healed: it reads, whatever it was doing. */
  heal(): void {
    this.isSlow = false;
    this.isRefused = false;
    this.#isPaused = false;
    this.link?.readOn();
  }

  /** Held back by a fault, or no longer. */
  setSlow(isSlow: boolean): void {
    this.isSlow = isSlow;
    if (this.isReading) this.link?.readOn();
  }

  #refused(conn: number): void {
    const { world } = this.#host;
    if (this.state !== 'connecting') return;
    world.record.note({ t: world.nowMs, e: 'close', c: this.name, conn, code: 1006 });
    this.#leave();
    this.#react({ kind: 'closed', code: 1006, reason: '' });
  }

  #leave(): void {
    this.state = 'closed';
    this.link = undefined;
    const waiters = this.#waiters;
    if (waiters === undefined) return;
    this.#waiters = undefined;
    this.#host.world.needsTurn = true;
    for (const { reject } of waiters) reject(ended());
  }

  #wakeFor(event: FrameEvent): void {
    const waiters = this.#waiters as FrameWaiter[];
    const at = waiters.findIndex(({ match }) => match === undefined || match(event.json));
    if (at < 0) return;
    const [waiter] = waiters.splice(at, 1);
    if (waiters.length === 0) this.#waiters = undefined;
    this.#host.world.needsTurn = true;
    waiter?.resolve(event.json);
  }

  #react(event: SimClientEvent): void {
    const { react } = this.#host;
    if (react === undefined) return;
    this.#isReacting = true;
    try {
      this.#host.world.asClient(() => react(this, event));
    } catch (error) {
      this.#host.onThrown(error, 'react');
    } finally {
      this.#isReacting = false;
    }
  }

  #told(op: ClientOp, args: readonly unknown[]): void {
    if (!this.#isReacting) this.#host.onOp(this, op, args);
  }
}

function ended(): ConnectionEnded {
  return new ConnectionEnded('the connection ended before a frame came that matches');
}
