/** What is explored schedule by schedule: the framework's join, leave, resume, close and expiry over a layer that answers late. */
import { App, ChannelBox, consumer } from 'channelbox';
import {
  everySettledMemberGotIt,
  hooksPaired,
  noGhosts,
  onlyMembers,
  perSenderFifo,
  everyMemberGotIt,
  noDuplicates,
  type Checker,
  type Simulation,
} from 'channelbox/testing/simulator';
import { roomApp, roomSimulation } from './room-app.ts';

interface Ask {
  readonly do: 'say' | 'enter' | 'leave' | 'close' | 'closeAll';
  readonly text?: string;
}

const settled = everySettledMemberGotIt({
  joined: (frame: { in?: string }) => frame.in,
  left: (sent: Ask) => (sent.do === 'leave' ? 'g' : undefined),
  to: (sent: Ask) => (sent.do === 'say' ? 'g' : undefined),
});
const always: readonly Checker[] = [onlyMembers(), noDuplicates(), noGhosts(), hooksPaired()];
/** Where somebody stays. */
const staying: readonly Checker[] = [...always, settled, everyMemberGotIt(), perSenderFifo()];

/** A group on two nodes whose clients do what `actions` names. */
function group(
  actions: Simulation<App>['actions'],
  options: {
    readonly churn?: number;
    readonly expires?: number;
    readonly isIn?: boolean;
    checkers?: readonly Checker[];
  } = {},
): Simulation<App> {
  const { churn = 0, expires = null, isIn = true, checkers = staying } = options;
  return {
    nodes: 2,
    clients: 2,
    churn,
    checkers,
    actions,
    system: (env) =>
      new App({ channelBox: new ChannelBox({ layer: env.layer }) }).addWsRoute(
        consumer('/', {
          encoding: 'json',
          expires,
          async onConnect(ws) {
            await ws.accept();
            if (!isIn) return;
            await this.joinGroup('g');
            await this.send({ in: 'g' });
          },
          async onReceive(ws, data) {
            const { do: what, text } = data as Ask;
            if (what === 'close') await ws.close();
            else if (what === 'closeAll') await ws.channelBox.closeGroup('g');
            else if (what === 'leave') await this.leaveGroup('g');
            else if (what === 'enter') await this.joinGroup('g').then(async () => this.send({ in: 'g' }));
            else await this.broadcast({ text }, 'g');
          },
        }),
      ),
  };
}

const say: Simulation<App>['actions'] = { say: (c, g) => c.sendJson({ do: 'say', text: g.stamp() }) };
const asking = (...what: Ask['do'][]): Simulation<App>['actions'] =>
  Object.fromEntries(what.map((each) => [each, (c: { sendJson(value: unknown): void }) => c.sendJson({ do: each })]));

export const explored: Readonly<Record<string, Simulation<App>>> = {
  join: group(say),
  'join and leave': group(
    { ...say, ...asking('enter'), leave: [0.3, (c) => c.sendJson({ do: 'leave' })] },
    { isIn: false },
  ),
  resume: {
    ...roomSimulation((env) => roomApp({ historyCount: 2, layer: env.layer })),
    nodes: 2,
    clients: 2,
    churn: 0.4,
  },
  'close, by either end': group({ ...say, ...asking('close', 'closeAll') }, { churn: 0.4, checkers: always }),
  // So short that it falls among the answers of the layer.
  expiry: group({ ...say, ...asking('enter') }, { expires: 0.008, isIn: false, checkers: always }),
};
