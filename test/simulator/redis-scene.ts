/** The logic of the Redis layer under the simulator: rooms on two nodes whose broker loses, doubles, forgets, comes back old and goes deaf. */
import type { App, LayerContext, Position } from 'channelbox';
import type { Action, Checker, SimEnv, SimEvent, Simulation } from 'channelbox/testing/simulator';
import { settingsOf } from '../../src/layer/redis/connection/options.ts';
import { BrokeredLayer } from '../../src/layer/redis/redis-layer.ts';
import { roomApp, roomCheckers, roomSimulation } from './room-app.ts';
import { AlteredBroker } from '../redis/processes/service/altered-broker.ts';
import type { Without } from '../redis/processes/job.ts';
import { NodeBroker, VirtualBroker, type BrokerFault } from './sim-broker.ts';

export interface RedisOptions {
  /** A safeguard of the layer that is taken away, to see that what it guards against is found. */
  readonly without?: Without | undefined;
  /** How often a node looks whether it has all that is saved; 0: never. */
  readonly verifyMs?: number;
  /** What may be done to the broker. */
  readonly faults?: readonly BrokerFault[];
  /** How often members talk, where faults have 2. */
  readonly talk?: number;
  readonly historyCount?: number;
}

/** It is opened before its box has the run's clock. */
class VirtualLayer extends BrokeredLayer {
  readonly #env: SimEnv;

  constructor(broker: VirtualBroker, env: SimEnv, { without, verifyMs = 2_000 }: RedisOptions) {
    const fresh = (): string => env.uuid().replaceAll('-', '').slice(0, 12);
    const settings = settingsOf({
      prefix: 'sim',
      verifyMs: without === 'verification' ? 0 : verifyMs,
      leaseMs: 3_000,
      leaseRenewMs: 1_000,
      deadlineMs: 2_000,
    });
    const own = new NodeBroker(broker, env);
    // What cannot be had by an option is taken away between the layer and its connections.
    const isAltered = without !== undefined && without !== 'verification';
    super(isAltered ? new AlteredBroker(own, { without, isNewer: false }) : own, settings, {
      fresh,
      random: () => env.random(),
    });
    this.#env = env;
  }

  override open(context: LayerContext): Promise<void> {
    return super.open({ ...context, clock: this.#env.clock, uuid: () => this.#env.uuid() });
  }
}

const allFaults: readonly BrokerFault[] = [
  'lose',
  'double',
  'deaf',
  'cut pushes',
  'cut commands',
  'come back empty',
  'come back old',
  'remember',
];
/** More than a run has messages: nothing is trimmed. */
const wholeHistory = 100;
/** Until then what was published before the broker went may still be on its way. */
const onItsWayMs = 3_000;

/** Who has its page, and stays, has all that is saved behind that in the end, unless the broker forgot it meanwhile. */
const noLossInSilence: Checker = {
  name: 'noLossInSilence',
  check: ({ history }) => {
    const forgotMs = Math.max(
      -Infinity,
      ...history.flatMap((event) => (event.e === 'send' && event.text.startsWith('come back') ? [event.t] : [])),
    );
    const members = stayingIn(history);
    const begun = new Map<string, number>();
    let checked = 0;
    for (const delivery of history) {
      if (delivery.e !== 'deliver' || delivery.position === undefined) continue;
      const { position, t, node, stamps } = delivery;
      begun.set(position.epoch, begun.get(position.epoch) ?? t);
      if (t <= forgotMs + onItsWayMs) continue;
      for (const [conn, member] of members) {
        if (!isOwed(member, position, begun)) continue;
        checked += 1;
        if (stamps.every((stamp) => member.stamps.has(stamp))) continue;
        const message = `${stamps.join(' ')} was delivered on ${node} at ${t} ms and never reached connection ${conn}`;
        return { checked, fault: { message, witness: [delivery] } };
      }
    }
    return { checked };
  },
};

/**
 * Who has its first page after the broker came back is not owed what was delivered before: the broker may have forgotten it.
 * That its page does not pretend otherwise is for `noSilentGap` to say.
 */
function owedBy(history: readonly SimEvent[]): SimEvent[] {
  const forgotMs = history.flatMap(({ t, ...event }) =>
    event.e === 'send' && event.text.startsWith('come back') ? [t] : [],
  );
  const pageMs = new Map<number, number>();
  for (const event of history) {
    if (event.e === 'recv' && event.text.startsWith('{"page"') && !pageMs.has(event.conn)) {
      pageMs.set(event.conn, event.t);
    }
  }
  return history.map((event) => {
    if (event.e !== 'deliver' || event.conns === undefined) return event;
    const mayBeForgotten = (conn: number): boolean =>
      forgotMs.some((ms) => ms <= (pageMs.get(conn) ?? -1) && event.t <= ms + onItsWayMs);
    return { ...event, conns: event.conns.filter((conn) => !mayBeForgotten(conn)) };
  });
}

/** Of a checker that reads nothing but the history. */
function ofWhatIsOwed(checker: Checker): Checker {
  return { ...checker, check: (run) => checker.check({ ...run, history: owedBy(run.history) }) };
}

interface Staying {
  /** When it got its first page, and where that ends. */
  pageMs: number;
  page: Position;
  readonly stamps: Set<string>;
}

/** Behind the page, or in an epoch that began after it. */
function isOwed({ page, pageMs }: Staying, { epoch, offset }: Position, begun: ReadonlyMap<string, number>): boolean {
  return epoch === page.epoch ? offset > page.offset : (begun.get(epoch) ?? 0) > pageMs;
}

/** Members that are there in the end, and what they got. */
function stayingIn(history: readonly SimEvent[]): Map<number, Staying> {
  const members = new Map<number, Staying>();
  for (const event of history) {
    if (event.e === 'recv') {
      const { page, at } = event.text.startsWith('{') ? (JSON.parse(event.text) as { page?: unknown; at: string }) : {};
      if (page !== undefined && !members.has(event.conn)) {
        const [epoch = '', offset] = (at ?? '').split(':');
        members.set(event.conn, { pageMs: event.t, page: { epoch, offset: Number(offset) }, stamps: new Set() });
      }
      for (const stamp of event.stamps) members.get(event.conn)?.stamps.add(stamp);
    } else if (event.e === 'close' || event.e === 'drop' || event.e === 'gone' || event.e === 'serverClose') {
      members.delete(event.conn);
    }
  }
  return members;
}

const rooms = roomSimulation();

/** The broker is as it was a little before: what was said between is gone, and its numbers come again. */
const relapse: Action = async (c, g) => {
  if (c.data['is'] !== 'operator') return;
  c.send('remember');
  await c.sleep(g.pick([1_000, 100, 3_000]));
  c.send('come back old');
};

export function redisSimulation(options: RedisOptions = {}): Simulation<App> {
  const { historyCount = wholeHistory, faults = allFaults, talk = 3 } = options;
  let broker: VirtualBroker | undefined;
  /** One for each run: the first node boots first. */
  const brokerOf = ({ node, clock }: SimEnv): VirtualBroker => {
    const isNew = broker === undefined || (node === 'n1' && clock.monotonic() === 0);
    if (isNew) broker = new VirtualBroker(clock);
    return broker as VirtualBroker;
  };
  return {
    nodes: 2,
    clients: 4,
    system: (env) => {
      const shared = brokerOf(env);
      const app = roomApp({ historyCount, layer: new VirtualLayer(shared, env, options) });
      return app.wsRoute('/broker', async (ws) => {
        await ws.accept();
        await ws.sendText('operator');
        for await (const fault of ws.iterText()) shared.suffer(fault as BrokerFault, env.node);
      });
    },
    connect: (c, g) => (g.int(3) === 2 ? '/broker' : (rooms.connect?.(c, g) ?? '/room/a')),
    react: (c, event) => {
      if (event.kind === 'closed') c.data['is'] = undefined;
      else if (event.kind === 'frame' && event.text === 'operator') c.data['is'] = 'operator';
      else if (event.kind === 'frame') {
        c.data['is'] = 'member';
        rooms.react?.(c, event);
      }
    },
    actions: {
      say: [
        talk,
        (c, g) => {
          if (c.data['is'] === 'member') c.sendJson({ do: 'say', text: g.stamp() });
        },
      ],
      fault: [
        2,
        (c, g) => {
          if (c.data['is'] === 'operator') c.send(g.pick(faults));
        },
      ],
      ...(faults.includes('remember') && faults.includes('come back old') && { relapse }),
    },
    faults: ['cut', 'stall', 'pause', 'crash'],
    checkers: [
      ...roomCheckers()
        .filter(({ name }) => name !== 'noCauselessClose')
        .map((checker) => (checker.name === 'everyMemberGotIt' ? ofWhatIsOwed(checker) : checker)),
      // What a short history has trimmed is lost to a deaf node, with a new epoch: whether that is told is for noSilentGap to say.
      ...(historyCount < wholeHistory ? [] : [noLossInSilence]),
    ],
    sometimes: {
      'a message comes after the broker forgot': ({ history }) => {
        const forgot = history.findIndex((event) => event.e === 'send' && event.text.startsWith('come back'));
        return forgot >= 0 && history.slice(forgot).some((event) => event.e === 'deliver');
      },
      'an epoch ends under a client that stays': ({ history }) => {
        const epochs = new Set(history.flatMap((event) => (event.e === 'deliver' ? [event.position?.epoch] : [])));
        return epochs.size > 1;
      },
    },
    allowErrors: (error) => (error as Error).name === 'LayerError',
    settleMs: 15_000,
  };
}
