/** Joins that nobody awaits, over a layer that answers late or not at all: a leaving, and another join, overtake them. */
import { App, ChannelBox, consumer } from 'channelbox';
import {
  noGhosts,
  type Checker,
  type SimClient,
  type SimEnv,
  type SimEvent,
  type Simulation,
} from 'channelbox/testing/simulator';

interface Ask {
  readonly do: 'enter' | 'leave';
  readonly no: number;
}

function lateApp(env: SimEnv): App {
  return new App({ channelBox: new ChannelBox({ layer: env.layer }) }).addWsRoute(
    consumer('/', {
      encoding: 'json',
      async onReceive(_ws, data) {
        const { do: what, no } = data as Ask;
        if (what === 'leave') await this.leaveGroup('g');
        else {
          // A layer that fails lets nobody in; who asks again may have more luck.
          void this.joinGroup('g').then(
            () => this.send({ in: no }),
            () => {},
          );
        }
      },
    }),
  );
}

interface Place {
  asked: Ask | undefined;
  isMember: boolean;
}

/** Who is told that it is in, and has asked for nothing since, is in. */
const toldIsIn: Checker = {
  name: 'toldIsIn',
  check: ({ history }) => {
    const places = new Map<number, Place>();
    let checked = 0;
    for (const event of history) {
      if (event.e === 'open') places.set(event.conn, { asked: undefined, isMember: false });
      const place = 'conn' in event ? places.get(event.conn) : undefined;
      if (place === undefined) continue;
      // What was written before may still come.
      if (event.e === 'gone' || event.e === 'serverClose') places.delete(event.conn);
      else if (event.e === 'join' || event.e === 'leave') place.isMember = event.e === 'join';
      else if (event.e === 'send') place.asked = JSON.parse(event.text) as Ask;
      else if (event.e === 'recv' && isLast(event, place)) {
        checked += 1;
        if (!place.isMember)
          return { checked, fault: { message: `${event.c} is told that it is in`, witness: [event] } };
      }
    }
    return { checked };
  },
};

function isLast({ text }: SimEvent & { readonly e: 'send' | 'recv' }, { asked }: Place): boolean {
  return asked?.do === 'enter' && asked.no === (JSON.parse(text) as { in: number }).in;
}

/** Each ask has a number of its own, the same in a replay. */
function ask(c: SimClient, what: Ask['do']): void {
  if (!c.isOpen) return;
  const no = ((c.data['asks'] as number | undefined) ?? 0) + 1;
  c.data['asks'] = no;
  c.sendJson({ do: what, no });
}

export const lateJoins: Simulation<App> = {
  system: lateApp,
  clients: 4,
  steps: 80,
  actions: {
    // Another join sets out while the first is still on its way, and outlives it.
    again: async (c, g) => {
      ask(c, 'enter');
      await c.sleep(g.pick([1_800, 900]));
      ask(c, 'leave');
      ask(c, 'enter');
      await c.sleep(g.pick([3_000, 0]));
    },
  },
  churn: 0.02,
  faults: ['layerPartition'],
  leaks: 'virtual',
  checkers: [toldIsIn, noGhosts()],
};
