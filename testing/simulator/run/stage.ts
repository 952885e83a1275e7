import type { ChannelLayer, LayerError } from '../../../src/index.ts';
import type { SimClient, SimClientEvent } from '../api/client.ts';
import type { SimEvent } from '../api/event.ts';
import type { SimFailure, SimStep } from '../api/report.ts';
import type { Simulation } from '../api/simulation.ts';
import { SimBroker } from '../layer/broker.ts';
import { SimLayer } from '../layer/layer.ts';
import { ConnectionEnded, SimulatedClient, type ClientHost, type ClientOp } from '../world/client.ts';
import type { SimLink, LinkNode } from '../world/link.ts';
import { SimNode, type NodeHost } from '../world/node.ts';
import type { World } from '../world/world.ts';

/** What did not hold, before anything is known of the run that it was in. */
export interface FoundFailure extends Pick<SimFailure, 'kind' | 'name' | 'message' | 'witness'> {
  readonly stack?: string;
}

/** A consumer's own hook began or ended. */
export interface HookFact {
  readonly c: string;
  readonly conn: number;
  readonly name: string;
  readonly step: 'begin' | 'end' | 'threw';
}

/** Beyond a call's deadline, the delays of its way, and one more try. */
const layerLateMs = 10_000;

type OpStep = Extract<SimStep, { op: unknown }>;

/** One place for a node: whoever is up there, and how often that was built. */
export interface NodeSlot {
  readonly name: string;
  boots: number;
  node: SimNode | undefined;
}

/** The stage has the nodes, the clients and the layer of one run, and what is known of them besides the history. */
export class RunStage implements ClientHost, NodeHost {
  readonly world: World;
  readonly simulation: Simulation;
  readonly clients: Map<string, SimulatedClient> = new Map();
  readonly slots: readonly NodeSlot[];
  readonly links: SimLink[] = [];
  readonly hooks: HookFact[] = [];
  readonly marks: Set<string> = new Set();
  /** Every operation that a client did by itself, with its own number: what an emitted test repeats. */
  readonly written: OpStep[] = [];
  /** Ends of the faults that are under way. */
  readonly ongoing: Set<() => void> = new Set();
  broker: SimBroker | undefined = undefined;
  failure: FoundFailure | undefined = undefined;
  readonly react: ((c: SimClient, event: SimClientEvent) => void) | undefined;
  readonly #ops = new Map<number, number>();
  readonly #acting = new Map<string, number>();
  #layerFaultUntilMs = -Infinity;
  #conns = 0;
  #deliveries = 0;

  constructor(world: World, simulation: Simulation) {
    this.world = world;
    this.simulation = simulation;
    this.react = simulation.react;
    this.slots = Array.from({ length: simulation.nodes ?? 1 }, (_, at) => ({
      name: `n${at + 1}`,
      boots: 0,
      node: undefined,
    }));
    const onThrown = (error: unknown): void =>
      this.onError(error, { node: this.nodes[0], link: undefined, hook: 'timer' });
    world.onThrown = onThrown;
  }

  /** Those that are up. */
  get nodes(): SimNode[] {
    return this.slots.flatMap(({ node }) => (node === undefined ? [] : [node]));
  }

  client(name: string): SimulatedClient {
    let client = this.clients.get(name);
    if (client === undefined) {
      client = new SimulatedClient(this, name);
      this.clients.set(name, client);
    }
    return client;
  }

  slot(name: string | undefined): NodeSlot | undefined {
    return name === undefined ? this.slots[0] : this.slots.find((slot) => slot.name === name);
  }

  bootAll(): void {
    for (const slot of this.slots) this.boot(slot);
  }

  boot(slot: NodeSlot): void {
    slot.boots += 1;
    const node = new SimNode(this, slot.name, slot.boots);
    slot.node = node;
    try {
      node.boot((env) => this.simulation.system(env));
    } catch (error) {
      slot.node = undefined;
      this.fail({ kind: 'error', name: `${nameOf(error)} in system`, ...wordsOf(error), witness: [] });
    }
  }

  /** The first thing that does not hold ends the run. */
  fail(failure: FoundFailure): void {
    this.failure ??= failure;
    this.world.hasEnded = true;
  }

  // ── For its clients ───────────────────────────────────────────────────────────────────────────────────────────────

  nextConn(): number {
    this.#conns += 1;
    return this.#conns;
  }

  nodeFor(_client: SimulatedClient, name: string | undefined): LinkNode | undefined {
    return name === undefined ? this.nodes[0] : this.slot(name)?.node;
  }

  onLink(link: SimLink): void {
    this.links.push(link);
  }

  /** Operations of one step are told apart by fractions of its number, so that draws which they set off keep their names. */
  onOp(client: SimulatedClient, op: ClientOp, args: readonly unknown[]): void {
    const { world } = this;
    const step = this.#acting.get(client.name) ?? world.cause;
    const count = this.#ops.get(step) ?? 0;
    this.#ops.set(step, count + 1);
    const id = Math.round((step + fractionOf(count)) * 1e9) / 1e9;
    world.cause = id;
    this.written.push({ id, at: world.nowMs, client: client.name, op, args });
  }

  onThrown(error: unknown, where: string): void {
    this.fail({ kind: 'error', name: `${nameOf(error)} in ${where}`, ...wordsOf(error), witness: this.lastEvents() });
  }

  /** An action of the simulation, to its end where it is async. */
  act(client: SimulatedClient, step: number, name: string, run: () => unknown): void {
    const { world } = this;
    this.#acting.set(client.name, step);
    const release = (): void => {
      client.isBusy = false;
      this.#acting.delete(client.name);
    };
    let acting: unknown;
    try {
      acting = world.asClient(run);
    } catch (error) {
      release();
      return this.onThrown(error, `action ${name}`);
    }
    if (typeof (acting as Promise<unknown> | undefined)?.then !== 'function') return release();
    client.isBusy = true;
    world.needsTurn = true;
    void this.#await(acting as Promise<unknown>, name).then(release);
  }

  async #await(acting: Promise<unknown>, name: string): Promise<void> {
    try {
      await acting;
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) this.onThrown(error, `action ${name}`);
    }
  }

  // ── For its nodes ─────────────────────────────────────────────────────────────────────────────────────────────────

  nextDelivery(): number {
    this.#deliveries += 1;
    return this.#deliveries;
  }

  layerFor(node: SimNode): ChannelLayer {
    this.broker ??= new SimBroker();
    return new SimLayer(node, this.broker, `${node.name}.${node.boots}`);
  }

  onMark(label: string): void {
    this.marks.add(label);
  }

  onHook(link: SimLink, name: string, step: HookFact['step']): void {
    this.hooks.push({ c: link.client.name, conn: link.conn, name, step });
  }

  onError(error: unknown, where: { node: SimNode | undefined; link: SimLink | undefined; hook: string }): void {
    const { world } = this;
    const { node, link, hook } = where;
    const text = `${nameOf(error)} in ${hook}`;
    const event = { t: world.nowMs, e: 'error', node: node?.name ?? '', text: `${text}: ${messageOf(error)}` } as const;
    world.record.note(link === undefined ? event : { ...event, c: link.client.name });
    if (this.#isAllowed(error)) return;
    this.fail({ kind: 'error', name: text, ...wordsOf(error), witness: this.lastEvents() });
  }

  /** For so long calls between nodes may fail: the fault's time, and a while for what began in it. */
  excuseLayer(ms: number): void {
    this.#layerFaultUntilMs = Math.max(this.#layerFaultUntilMs, this.world.nowMs + ms + layerLateMs);
  }

  /** What led to now, as far as the history can tell: the last thing a client or a fault did, and the last event. */
  lastEvents(): readonly SimEvent[] {
    const { history } = this.world.record;
    const last = history.at(-1);
    const deed = history.findLast(({ e }) => e === 'send' || e === 'fault' || e === 'connect' || e === 'drop');
    return [deed, last].filter((event, at, all) => event !== undefined && all.indexOf(event) === at) as SimEvent[];
  }

  #isAllowed(error: unknown): boolean {
    // An instance of another copy of the package is none of ours.
    const isOfLayer = (error as LayerError | undefined)?.name === 'LayerError';
    if (isOfLayer && this.world.nowMs <= this.#layerFaultUntilMs) return true;
    return this.simulation.allowErrors?.(error) ?? false;
  }
}

/** Thousandths; who does more than those in one step shares the last of them, among a million. */
function fractionOf(count: number): number {
  return count < 999 ? count / 1_000 : 0.999 + (count - 999) / 1e9;
}

/** A name that is the same on every run that fails so. */
export function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  const saysNothing = code === 'CHANNELBOX_SIMULATION' || code === 'CHANNELBOX_ERROR';
  if (typeof code === 'string' && !saysNothing) return code;
  return typeof name === 'string' ? name : typeof error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] as string) : String(error);
}

function wordsOf(error: unknown): { message: string; stack?: string } {
  const message = messageOf(error);
  return error instanceof Error && error.stack !== undefined ? { message, stack: error.stack } : { message };
}
