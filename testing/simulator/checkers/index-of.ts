/** A history read once, for all checkers of a run: its connections, its deliveries, who said what. */
import type { SimEvent, SimView } from '../api/event.ts';
import type { Fault } from '../api/system.ts';

export type DeliverEvent = Extract<SimEvent, { e: 'deliver' }>;
export type Spoken = Extract<SimEvent, { e: 'send' | 'recv' }>;

type FaultEvent = Extract<SimEvent, { e: 'fault' }>;
type ConnectEvent = Extract<SimEvent, { e: 'connect' | 'open' | 'accepted' | 'drop' }>;

export interface ConnectionFacts {
  readonly c: string;
  readonly conn: number;
  readonly connected: SimEvent;
  node: string | undefined;
  accepted: SimEvent | undefined;
  /** The client's end: it closed, dropped, or was told. */
  ended: (SimEvent & { readonly e: 'close' | 'drop' }) | undefined;
  gone: (SimEvent & { readonly e: 'gone' }) | undefined;
  serverClose: (SimEvent & { readonly e: 'serverClose' }) | undefined;
  /** Faults of this connection, of its client or of its node while it was there; a drain also where it came while that went on. */
  readonly faults: FaultEvent[];
  /** Its node went down. */
  crashed: SimEvent | undefined;
  /** Its node went down, whether it was still there or not: nothing of it runs any more. */
  silenced: SimEvent | undefined;
  readonly sends: Spoken[];
  readonly receipts: Spoken[];
  readonly joins: { readonly group: string; readonly t: number; left: number }[];
}

const framesMax = 4_096;

export class HistoryIndex {
  readonly connections: Map<number, ConnectionFacts> = new Map();
  readonly deliveries: Map<number, DeliverEvent> = new Map();
  /** Connections that were members, and not excepted, when it was delivered. */
  readonly receiversOf: Map<number, readonly ConnectionFacts[]> = new Map();
  /** By stamp; the first that said it. */
  readonly said: Map<string, Spoken> = new Map();
  readonly deliveriesOf: Map<string, DeliverEvent[]> = new Map();
  readonly layerFaults: SimEvent[] = [];
  /** Of what a client said, in order. */
  readonly orderOf: Map<string, number> = new Map();

  readonly #history: readonly SimEvent[];
  readonly #frames = new Map<string, unknown>();
  /** By node, until it is built anew: whoever comes meanwhile is let go with the others. */
  readonly #drains = new Map<string, FaultEvent>();
  #length = 0;

  constructor(history: readonly SimEvent[]) {
    this.#history = history;
    this.readOn();
  }

  /** Reads what has been added since. */
  readOn(): void {
    const history = this.#history;
    for (; this.#length < history.length; this.#length += 1) this.#read(history[this.#length] as SimEvent);
  }

  /** The JSON of a frame, else its text, as simulations get frames; the same value for all who got the same text. */
  frameOf({ text }: Spoken): unknown {
    const known = this.#frames.get(text);
    if (known !== undefined) return known;
    const frame = jsonOf(text);
    // A recording of a real run has millions.
    if (this.#frames.size === framesMax) this.#frames.clear();
    this.#frames.set(text, frame);
    return frame;
  }

  get accepted(): ConnectionFacts[] {
    return [...this.connections.values()].filter(({ accepted }) => accepted !== undefined);
  }

  /** The group that a message came by: of its delivery, else the only one that it was delivered to. */
  groupOf(receipt: Spoken, stamp: string): string | undefined {
    if (receipt.of !== undefined) return this.deliveries.get(receipt.of)?.group;
    const deliveries = this.deliveriesOf.get(stamp);
    const group = deliveries?.[0]?.group;
    return deliveries?.every((delivery) => delivery.group === group) === true ? group : undefined;
  }

  /** Of each member the connections that are in the group at this moment; without a word of joins, its latest. */
  #receiversOf({ node, group, members, conns }: DeliverEvent): ConnectionFacts[] {
    if (conns !== undefined) return conns.flatMap((conn) => this.connections.get(conn) ?? []);
    const here = [...this.connections.values()].filter((facts) => facts.node === node && facts.accepted !== undefined);
    return [...new Set(members)].flatMap((name) => {
      const own = here.filter(({ c }) => c === name);
      const joined = own.filter(({ joins }) => joins.some((join) => join.group === group && join.left === Infinity));
      return joined.length > 0 ? joined : own.slice(-1);
    });
  }

  #read(event: SimEvent): void {
    switch (event.e) {
      case 'connect':
        this.#readConnect(event);
        break;
      case 'accepted': {
        const facts = this.#factsOf(event);
        facts.accepted = event;
        facts.node = event.node ?? facts.node;
        break;
      }
      case 'drop':
      case 'close': {
        const facts = this.#factsOf(event);
        facts.ended ??= event as SimEvent & { e: 'close' | 'drop' };
        break;
      }
      case 'gone':
        this.#factsOf(event).gone ??= event as SimEvent & { e: 'gone' };
        break;
      case 'serverClose':
        this.#factsOf(event).serverClose ??= event as SimEvent & { e: 'serverClose' };
        break;
      case 'send':
        this.#readSend(event);
        break;
      case 'recv':
        this.#factsOf(event).receipts.push(event);
        break;
      case 'join':
        this.#factsOf(event).joins.push({ group: event.group, t: event.t, left: Infinity });
        break;
      case 'leave': {
        const join = this.#factsOf(event).joins.findLast(
          ({ group, left }) => group === event.group && left === Infinity,
        );
        if (join !== undefined) join.left = event.t;
        break;
      }
      case 'deliver':
        this.deliveries.set(event.no, event);
        this.receiversOf.set(event.no, this.#receiversOf(event));
        for (const stamp of event.stamps) add(this.deliveriesOf, stamp, event);
        break;
      case 'fault':
        this.#readFault(event);
        break;
      case 'crash':
        this.#drains.delete(event.node);
        for (const facts of this.connections.values()) {
          if (facts.node !== event.node) continue;
          facts.silenced ??= event;
          if (facts.gone === undefined) facts.crashed ??= event;
        }
        break;
      default:
    }
  }

  #readSend(event: SimEvent & { readonly e: 'send' | 'recv' }): void {
    this.#factsOf(event).sends.push(event);
    for (const stamp of event.stamps) {
      if (this.said.has(stamp)) continue;
      this.said.set(stamp, event);
      this.orderOf.set(stamp, this.orderOf.size);
    }
  }

  #readConnect(event: ConnectEvent): void {
    const facts = newFacts(event);
    this.connections.set(event.conn, facts);
    const drain = event.node === undefined ? undefined : this.#drains.get(event.node);
    if (drain !== undefined) facts.faults.push(drain);
  }

  #readFault(event: FaultEvent): void {
    if (event.fault === 'drain' && event.node !== undefined) this.#drains.set(event.node, event);
    if (event.fault.startsWith('layer')) {
      this.layerFaults.push(event);
      return;
    }
    for (const facts of this.connections.values()) {
      const isThere = facts.ended === undefined || (facts.gone === undefined && facts.crashed === undefined);
      const isMine = event.c === undefined ? facts.node === event.node : facts.c === event.c;
      if (isThere && isMine) facts.faults.push(event);
    }
  }

  #factsOf(event: { readonly c: string; readonly conn: number; readonly t: number }): ConnectionFacts {
    let facts = this.connections.get(event.conn);
    if (facts === undefined) {
      // A recording may begin after its connections.
      facts = newFacts({ t: event.t, e: 'connect', c: event.c, conn: event.conn });
      this.connections.set(event.conn, facts);
    }
    return facts;
  }
}

function newFacts(event: ConnectEvent): ConnectionFacts {
  return {
    c: event.c,
    conn: event.conn,
    connected: event,
    node: event.node,
    accepted: undefined,
    ended: undefined,
    gone: undefined,
    serverClose: undefined,
    faults: [],
    crashed: undefined,
    silenced: undefined,
    sends: [],
    receipts: [],
    joins: [],
  };
}

const known = new WeakMap<readonly SimEvent[], HistoryIndex>();

/** The index of a run's history as far as it goes now. */
export function indexOf({ history }: SimView): HistoryIndex {
  const before = known.get(history);
  if (before !== undefined) {
    before.readOn();
    return before;
  }
  const index = new HistoryIndex(history);
  known.set(history, index);
  return index;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export function hasFault({ faults }: ConnectionFacts, ...kinds: readonly Fault[]): boolean {
  return faults.some(({ fault }) => kinds.includes(fault));
}

/** It is there still: neither end has ended, and what is written arrives. */
export function isStaying(facts: ConnectionFacts): boolean {
  const { ended, gone, serverClose, crashed } = facts;
  const hasEnded = ended !== undefined || gone !== undefined || serverClose !== undefined || crashed !== undefined;
  return !hasEnded && !hasFault(facts, 'halfOpen', 'cut');
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
