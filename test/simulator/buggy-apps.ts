/** Apps with one mistake each, and the same without it: what users of the simulator come with. */
import { App, ChannelBox, consumer, type WebSocket } from 'channelbox';
import {
  everySettledMemberGotIt,
  noDuplicates,
  noGhosts,
  perSenderFifo,
  ttlHonoured,
  type SimEnv,
  type Simulation,
} from 'channelbox/testing/simulator';

interface Ask {
  readonly do: string;
  readonly text?: string;
}

export interface BuggyApp {
  readonly name: string;
  /** What the failure is called. */
  readonly found: string;
  simulation(isRight: boolean): Simulation<App | { app: App; online: Map<string, unknown>; sent: number }>;
}

const say = {
  say: (c: { sendJson(value: unknown): void }, g: { stamp(): string }) => c.sendJson({ do: 'say', text: g.stamp() }),
};
const settled = everySettledMemberGotIt({
  joined: (frame: { in?: string }) => frame.in,
  left: (sent: Ask) => (sent.do === 'leave' ? 'lobby' : undefined),
  to: (sent: Ask) => (sent.do === 'say' ? 'lobby' : undefined),
});

/** A lobby whose clients are told when they are in; what `receive` does is each app's own. */
function lobby(
  receive: (ask: Ask, ws: WebSocket, broadcast: (payload: unknown) => Promise<unknown>) => Promise<unknown>,
  options: { expires?: number | null; enter?: (ws: WebSocket) => Promise<unknown> } = {},
): App {
  const { expires = null, enter = (ws) => ws.join('lobby') } = options;
  return new App({ channelBox: new ChannelBox() }).addWsRoute(
    consumer('/', {
      encoding: 'json',
      expires,
      async onConnect(ws) {
        await ws.accept();
        await enter(ws);
        await this.send({ in: 'lobby' });
      },
      async onReceive(ws, data) {
        await receive(data as Ask, ws, (payload) => this.broadcast(payload, 'lobby'));
      },
    }),
  );
}

export const buggyApps: readonly BuggyApp[] = [
  {
    name: 'messages that wait for a slow check overtake each other',
    found: 'perSenderFifo',
    simulation: (isRight) => ({
      system: (env) =>
        lobby(async ({ text }, _ws, broadcast) => {
          const checking = env.io('moderation').then(() => broadcast({ text }));
          if (isRight) await checking;
        }),
      actions: say,
      checkers: [perSenderFifo()],
    }),
  },
  {
    name: 'a member is told that it is in before it is',
    found: 'everySettledMemberGotIt',
    simulation: (isRight) => ({
      system: (env) =>
        lobby(async ({ text }, _ws, broadcast) => broadcast({ text }), {
          enter: async (ws) => {
            const entering = env.io('lookup').then(() => ws.join('lobby'));
            if (isRight) await entering;
          },
        }),
      actions: say,
      checkers: [settled],
    }),
  },
  {
    name: 'a message is lost when two come at once',
    found: 'everySettledMemberGotIt',
    simulation: (isRight) => ({
      system: (env) => {
        let isBusy = false;
        return lobby(async ({ text }, _ws, broadcast) => {
          if (isBusy && !isRight) return;
          isBusy = true;
          await env.io('store');
          isBusy = false;
          await broadcast({ text });
        });
      },
      actions: say,
      checkers: [settled],
    }),
  },
  {
    name: 'a sender gets its own message twice',
    found: 'noDuplicates',
    simulation: (isRight) => ({
      system: () =>
        lobby(async ({ text }, ws, broadcast) => {
          await broadcast({ text });
          if (!isRight) await ws.sendJson({ text });
        }),
      actions: say,
      checkers: [noDuplicates()],
    }),
  },
  {
    name: 'who vanished is still in the list of those online',
    found: 'the list is right',
    simulation: (isRight) => ({
      system: (env: SimEnv) => {
        const online = new Map<string, unknown>();
        const app = new App().addWsRoute(
          consumer('/', {
            async onConnect(ws) {
              await ws.accept();
              online.set(ws.id, ws);
            },
            async onDisconnect(ws, code) {
              await env.io('presence');
              if (isRight || code === 1000) online.delete(ws.id);
            },
          }),
        );
        return { app, online, sent: 0 };
      },
      actions: { say: (c) => c.send('hi') },
      converge: {
        'the list is right': ({ system, clients }) => {
          const { online } = system as { online: Map<string, unknown> };
          return online.size === clients.filter(({ isOpen }) => isOpen).length;
        },
      },
    }),
  },
  {
    name: 'a handler that throws for one kind of message',
    found: 'TypeError in onReceive',
    simulation: (isRight) => ({
      system: () =>
        lobby(async (ask, _ws, broadcast) => {
          await broadcast({ text: isRight ? (ask.text ?? '') : (ask.text as string).trim() });
        }),
      actions: { ...say, wave: [0.2, (c) => c.sendJson({ do: 'wave' })] },
    }),
  },
  {
    name: 'expiry is put off by what others say',
    found: 'ttlHonoured',
    simulation: (isRight) => ({
      system: (env) =>
        lobby(
          async ({ text }, ws, broadcast) => {
            await broadcast({ text });
            // Looks in every five seconds, and by that keeps the connection alive.
            const look = (): void => {
              if (ws.signal.aborted) return;
              ws.channel.touch();
              env.clock.setTimeout(look, 5_000);
            };
            if (!isRight) look();
          },
          { expires: 10 },
        ),
      actions: say,
      leftovers: 'ignore',
      checkers: [ttlHonoured({ seconds: 10 })],
    }),
  },
  {
    name: 'a counter that is read, waited for and written',
    found: 'nothing is forgotten',
    simulation: (isRight) => ({
      system: (env) => {
        const counter = { app: undefined as unknown as App, online: new Map<string, unknown>(), sent: 0 };
        let received = 0;
        counter.app = lobby(async () => {
          received += 1;
          const before = counter.sent;
          await env.io('counter');
          counter.sent = (isRight ? counter.sent : before) + 1;
          counter.online.set('received', received);
        });
        return counter;
      },
      actions: say,
      converge: {
        'nothing is forgotten': ({ system }) => {
          const { sent, online } = system as { sent: number; online: Map<string, unknown> };
          return sent === (online.get('received') ?? 0) || `counted ${sent} of ${String(online.get('received'))}`;
        },
      },
    }),
  },
  {
    name: 'a handler that never ends after its connection',
    found: 'handler onReceive',
    simulation: (isRight) => ({
      system: () =>
        lobby(async ({ text }, ws, broadcast) => {
          await broadcast({ text });
          if (!isRight)
            await new Promise((resolve) => void ws.channelBox.members('lobby').then(() => resolve, resolve));
        }),
      actions: say,
    }),
  },
  {
    name: 'a member is kept by a layer that hears of it after it left',
    found: 'noGhosts',
    simulation: (isRight) => ({
      nodes: 2,
      system: (env) => {
        const app = new App({ channelBox: new ChannelBox({ layer: env.layer }) });
        return app.addWsRoute(
          consumer('/', {
            encoding: 'json',
            async onConnect(ws) {
              await ws.accept();
              await ws.join('lobby');
              if (!isRight) await env.layer.announce?.('lobby', { uuid: ws.id, node: 'x', created: 0, metadata: {} });
            },
          }),
        );
      },
      actions: { say: (c) => c.sendJson('hi') },
      checkers: [noGhosts()],
    }),
  },
];
