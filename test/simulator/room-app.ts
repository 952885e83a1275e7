/** A small room server that tests of the simulator run: every frame of it can be told apart, and positions are in all saved ones. */
import { App, ChannelBox, consumer, type ChannelBoxOptions } from 'channelbox';
import {
  everyMemberGotIt,
  noCauselessClose,
  noDuplicates,
  noGhosts,
  noSilentGap,
  onlyMembers,
  perSenderFifo,
  hooksPaired,
  type Checker,
  type SimEnv,
  type Simulation,
} from 'channelbox/testing/simulator';

/** What a client may ask for. */
export type Ask =
  | { readonly do: 'say'; readonly text: string; readonly room?: string }
  | { readonly do: 'leave'; readonly room: string }
  | { readonly do: 'enter'; readonly room: string };

export interface RoomOptions extends ChannelBoxOptions {
  readonly expires?: number | null;
  readonly maxBufferedBytes?: number;
}

/** `/room/{room}?since=epoch:offset`: joins by `resume`; what is said is saved. */
export function roomApp(options: RoomOptions = {}): App {
  const { expires = null, maxBufferedBytes = 1_048_576, ...box } = options;
  const app = new App({
    limits: { maxBufferedBytes },
    channelBox: new ChannelBox({
      historyCount: 4,
      frame: ({ payload, position }) => ({ ...(payload as object), at: `${position.epoch}:${position.offset}` }),
      ...box,
    }),
  });
  return app.addWsRoute(
    consumer('/room/{room}', {
      encoding: 'json',
      expires,
      async onConnect(ws) {
        await ws.accept();
        const asked = /^(.*):(\d+)$/.exec(ws.query.get('since') ?? '');
        const since = asked === null ? undefined : { epoch: asked[1] as string, offset: Number(asked[2]) };
        await this.resumeGroup(ws.params.room, {
          since,
          first: ({ messages, recovered, position }) =>
            this.send({
              page: messages.map((message) => ({
                ...(message.payload as object),
                at: `${message.position.epoch}:${message.position.offset}`,
              })),
              recovered,
              at: `${position.epoch}:${position.offset}`,
            }),
        });
      },
      async onReceive(ws, data) {
        const ask = data as Ask;
        if (ask.do === 'enter') await this.joinGroup(ask.room);
        else if (ask.do === 'leave') await this.leaveGroup(ask.room);
        else await this.broadcast({ text: ask.text }, ask.room ?? ws.params.room, { saveHistory: true });
      },
    }),
  );
}

interface RoomFrame {
  readonly page?: readonly unknown[];
  readonly recovered?: boolean;
  readonly at?: string;
}

/** The checkers that hold for a room server. */
export function roomCheckers(): Checker[] {
  return [
    perSenderFifo(),
    noDuplicates(),
    onlyMembers(),
    everyMemberGotIt(),
    noGhosts(),
    noCauselessClose(),
    hooksPaired(),
    noSilentGap({
      position: (frame: RoomFrame) => (frame.page === undefined ? frame.at : undefined),
      page: ({ page, recovered, at }: RoomFrame) =>
        page === undefined ? undefined : { messages: page, recovered: recovered === true, position: at },
    }),
  ];
}

/** Clients that come, go, come back to where they were, and talk. */
export function roomSimulation(build: (env: SimEnv) => App = () => roomApp()): Simulation<App> {
  return {
    system: build,
    connect: (c, g) => {
      const at = c.data['at'] as string | undefined;
      return at !== undefined && g.chance(0.7) ? `/room/a?since=${at}` : '/room/a';
    },
    react: (c, event) => {
      if (event.kind === 'frame') c.data['at'] = (event.json as RoomFrame).at ?? c.data['at'];
    },
    actions: { say: [3, (c, g) => c.sendJson({ do: 'say', text: g.stamp() })] },
    checkers: roomCheckers(),
  };
}
