import { instrument, type App, type ChannelLayer, type Probe, type ProbedConnection } from '../../../src/index.ts';
import type { SimEvent } from '../api/event.ts';
import type { SimEnv, System } from '../api/system.ts';
import { NodeClock } from './clock.ts';
import { NodeEnv, silent, type EnvNode } from './env.ts';
import { receivedForms, type SimLink, type LinkNode } from './link.ts';
import { stampsIn } from './record.ts';
import { SimUpgrade } from './upgrade.ts';
import type { World } from './world.ts';

/** What a node needs of the run that it is in. */
export interface NodeHost {
  readonly world: World;
  /** Where a delivery stands among all of the run. */
  nextDelivery(): number;
  layerFor(node: SimNode): ChannelLayer;
  onMark(label: string): void;
  onError(
    error: unknown,
    where: { readonly node: SimNode; readonly link: SimLink | undefined; readonly hook: string },
  ): void;
  onHook(link: SimLink, name: string, step: 'begin' | 'end' | 'threw'): void;
}

/** The members of a delivery whom the app itself denied it, noted while it happens. */
type OpenDelivery = Extract<SimEvent, { e: 'deliver' }> & { denied?: string[] };

/**
 * One boot of one node makes the app, its clock, its chance. A crash fences it; what of it still runs reaches nobody.
 */
export class SimNode implements LinkNode, EnvNode {
  readonly name: string;
  readonly boots: number;
  readonly world: World;
  readonly clock: NodeClock;
  readonly env: SimEnv;
  /** What `system` returned. */
  system: System = undefined as unknown as System;
  app: App = undefined as unknown as App;
  isFenced: boolean = false;
  /** Turns newcomers away; it is about to be built anew. */
  isDraining: boolean = false;
  readonly links: Set<SimLink> = new Set();
  layer: ChannelLayer | undefined = undefined;
  readonly #host: NodeHost;
  /** What waits for the end of a pause; undefined: it runs. */
  #backlog: { readonly cause: number; readonly run: () => void; readonly owner: unknown }[] | undefined = undefined;
  readonly #groups = new Map<string, Set<SimLink>>();
  #delivery: OpenDelivery | undefined = undefined;

  constructor(host: NodeHost, name: string, boots: number) {
    this.#host = host;
    this.world = host.world;
    this.name = name;
    this.boots = boots;
    this.clock = new NodeClock(this);
    this.env = new NodeEnv(this);
  }

  get isPaused(): boolean {
    return this.#backlog !== undefined;
  }

  /** Builds the app; what it throws is the caller's. */
  boot(build: (env: SimEnv) => System): void {
    const { world } = this;
    world.context = { node: this, connection: undefined };
    world.record.note({ t: world.nowMs, e: 'boot', node: this.name });
    this.system = build(this.env);
    this.app = 'handle' in this.system ? this.system : this.system.app;
    instrument(this.app, this.#probe());
  }

  enter(run: () => void, owner: unknown): void {
    if (this.isFenced) return;
    const { world } = this;
    if (this.#backlog !== undefined) {
      this.#backlog.push({ cause: world.cause, run, owner });
      return;
    }
    world.context = { node: this, connection: owner };
    run();
  }

  pause(): void {
    this.#backlog ??= [];
  }

  /** What was held back happens now, in order, each in an event of its own. */
  unpause(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const { cause, run, owner } of backlog) this.world.reach(0, () => this.enter(run, owner), cause);
  }

  crash(): void {
    this.isFenced = true;
    this.#backlog = undefined;
    this.world.record.note({ t: this.world.nowMs, e: 'crash', node: this.name });
    for (const link of this.links) link.nodeCrashed();
  }

  handle(link: SimLink): void {
    this.links.add(link);
    void this.app.handle(link.upgrade);
  }

  reachLayer(): ChannelLayer {
    this.layer ??= this.#host.layerFor(this);
    return this.layer;
  }

  mark(label: string): void {
    this.#host.onMark(label);
  }

  uuid(): string {
    return this.world.tape.uuid(`uuid ${this.name}.${this.boots}`, this.world.cause);
  }

  #probe(): Probe {
    const host = this.#host;
    return {
      clock: this.clock,
      logger: silent,
      loop: (end) => this.world.endWithEvent(end),
      skipsSites: !this.world.remembersSites,
      uuid: () => this.uuid(),
      run: (connection, body) => this.#run(connection, body),
      called: (call) => {
        const link = this.world.context?.connection as SimLink | undefined;
        if (link !== undefined) link.lastCall = call;
      },
      failed: (error, { hook }, upgrade) => {
        if (!this.isFenced) host.onError(error, { node: this, link: linkOf(upgrade), hook });
      },
      joined: (connection, group) => this.#joined(connection, group),
      left: (connection, group) => this.#left(connection, group),
      delivering: (group, message, entry) => {
        const { record } = this.world;
        if (!record.isKeeping) return undefined;
        const members: string[] = [];
        const conns: number[] = [];
        for (const link of this.#groups.get(group) ?? []) {
          const isExcepted = message.except.length > 0 && message.except.includes(link.connection?.id ?? '');
          if (isExcepted) continue;
          members.push(link.client.name);
          conns.push(link.conn);
        }
        const { payload } = message;
        const stamps = payload.kind === 'bytes' ? [] : stampsIn(payload.text);
        const no = host.nextDelivery();
        const { name: node } = this;
        const t = this.world.nowMs;
        this.#delivery =
          entry === undefined
            ? { t, e: 'deliver', no, node, group, stamps, members, conns }
            : { t, e: 'deliver', no, node, group, stamps, members, conns, position: entry.position };
        record.note(this.#delivery);
        return no;
      },
      delivered: () => {
        this.#delivery = undefined;
      },
      held: (frame, token) => {
        if (token !== undefined) receivedForms.set(frame, { data: '', text: '', stamps: [], of: token as number });
      },
      outcome: (connection, outcome) => {
        if (outcome === 'sent' || outcome === 'queued' || this.#delivery === undefined) return;
        const name = linkOf(connection.upgrade)?.client.name;
        if (name !== undefined) (this.#delivery.denied ??= []).push(name);
      },
      hook: (connection, name, step) => {
        const link = linkOf(connection.upgrade);
        if (link !== undefined && !this.isFenced) host.onHook(link, name, step);
      },
    };
  }

  async #run(connection: ProbedConnection, body: () => Promise<void>): Promise<void> {
    const link = linkOf(connection.upgrade);
    if (link === undefined) return body();
    link.connection = connection;
    link.isRunning = true;
    try {
      await body();
    } finally {
      link.isRunning = false;
    }
  }

  #joined(connection: ProbedConnection, group: string): void {
    const link = linkOf(connection.upgrade);
    if (link === undefined) return;
    const members = this.#groups.get(group) ?? new Set<SimLink>();
    this.#groups.set(group, members.add(link));
    this.#noteMembership('join', link, group);
  }

  #left(connection: ProbedConnection, group: string): void {
    const link = linkOf(connection.upgrade);
    if (link === undefined) return;
    const members = this.#groups.get(group);
    members?.delete(link);
    if (members?.size === 0) this.#groups.delete(group);
    this.#noteMembership('leave', link, group);
  }

  #noteMembership(e: 'join' | 'leave', link: SimLink, group: string): void {
    const { record, nowMs } = this.world;
    if (!record.isKeeping || this.isFenced) return;
    record.note({ t: nowMs, e, node: this.name, c: link.client.name, conn: link.conn, group });
  }
}

function linkOf(upgrade: unknown): SimLink | undefined {
  return upgrade instanceof SimUpgrade ? (upgrade.asker as SimLink) : undefined;
}
