/** What the mutants of the framework are run under; bundled anew with each of them. */
import { App, ChannelBox, consumer } from 'channelbox';
import {
  everyMemberGotIt,
  everySettledMemberGotIt,
  hooksPaired,
  memoryBounded,
  noCauselessClose,
  noDuplicates,
  noGhosts,
  noSilentGap,
  onlyMembers,
  perSenderFifo,
  ttlHonoured,
  type SimEnv,
  type SimEvent,
  type Simulation,
} from 'channelbox/testing/simulator';

export { replay, simulate } from 'channelbox/testing/simulator';

interface Ask {
  readonly do: 'say' | 'whisper' | 'leave' | 'enter';
  readonly text?: string;
}

interface Frame {
  readonly page?: readonly { readonly at: string }[];
  readonly recovered?: boolean;
  readonly asked?: string | null;
  readonly at?: string;
  readonly text?: string;
}

interface SceneOptions {
  readonly limit?: number;
  readonly historySize?: number;
  readonly maxBufferedBytes?: number;
  readonly slowConsumer?: 'drop';
  readonly inboundQueue?: number;
  readonly expires?: number;
  readonly isLayered?: boolean;
}

function sceneApp(env: SimEnv, options: SceneOptions): App {
  const { limit, historySize = 4_000, maxBufferedBytes = 1_048_576, inboundQueue = 64, expires = null } = options;
  const app = new App({
    limits: { maxBufferedBytes, inboundQueue, slowConsumer: options.slowConsumer ?? 'close' },
    channelBox: new ChannelBox({
      historyCount: 4,
      historySize,
      frame: ({ payload, position }) => ({ ...(payload as object), at: `${position.epoch}:${position.offset}` }),
      ...(options.isLayered === true ? { layer: env.layer } : {}),
    }),
  });
  return app.addWsRoute(
    consumer('/', {
      encoding: 'json',
      expires,
      async onConnect(ws) {
        await ws.accept();
        const asked = ws.query.get('since');
        const parts = /^(.*):(\d+)$/.exec(asked ?? '');
        await this.resumeGroup('g', {
          since: parts === null ? undefined : { epoch: parts[1] as string, offset: Number(parts[2]) },
          ...(limit === undefined ? {} : { limit }),
          first: ({ messages, recovered, position }) =>
            this.send({
              asked,
              recovered,
              at: `${position.epoch}:${position.offset}`,
              page: messages.map((message) => ({
                ...(message.payload as object),
                at: `${message.position.epoch}:${message.position.offset}`,
              })),
            }),
        });
      },
      async onReceive(_ws, data) {
        const { do: what, text } = data as Ask;
        if (what === 'leave') await this.leaveGroup('g');
        else if (what === 'enter') await this.joinGroup('g');
        else {
          await env.io('check');
          const except = what === 'whisper' ? { except: this.channel } : {};
          await this.broadcast({ text }, 'g', { ...except, saveHistory: what === 'say' });
        }
      },
    }),
  );
}

function askedBy(_c: string, conn: number, history: readonly SimEvent[]): string | undefined {
  const first = history.find((event) => event.e === 'recv' && event.conn === conn && event.text.includes('"asked"'));
  return first?.e === 'recv' ? ((JSON.parse(first.text) as Frame).asked ?? undefined) : undefined;
}

function scene(options: SceneOptions, more: Partial<Simulation<App>> = {}): Simulation<App> {
  const padding = options.maxBufferedBytes === undefined ? '' : 'x'.repeat(900);
  return {
    system: (env) => sceneApp(env, options),
    connect: (c, g) => (c.data['at'] !== undefined && g.chance(0.7) ? `/?since=${c.data['at'] as string}` : '/'),
    react: (c, event) => {
      if (event.kind === 'frame') c.data['at'] = (event.json as Frame).at ?? c.data['at'];
    },
    actions: {
      say: [3, (c, g) => c.sendJson({ do: 'say', text: g.stamp() + padding })],
      whisper: (c, g) => c.sendJson({ do: 'whisper', text: g.stamp() + padding }),
      burst: (c, g) => {
        for (let at = 0; at < 3; at += 1) c.sendJson({ do: 'say', text: g.stamp() + padding });
      },
      leave: [0.2, (c) => c.sendJson({ do: 'leave' })],
    },
    // A bundle has no folder by which the framework could be told from the app.
    leaks: 'virtual',
    checkers: [
      perSenderFifo(),
      noDuplicates(),
      onlyMembers(),
      everyMemberGotIt(),
      noGhosts(),
      // Bounds so small are passed by a burst alone.
      ...(options.maxBufferedBytes === undefined ? [noCauselessClose()] : []),
      hooksPaired(),
      memoryBounded({ historyBytes: 40_000, bufferedBytes: 200_000 }),
      ...(options.maxBufferedBytes === undefined || options.slowConsumer === undefined
        ? [
            noSilentGap({
              position: ({ page, at }: Frame) => (page === undefined ? at : undefined),
              page: ({ page, recovered, at }: Frame) =>
                page === undefined ? undefined : { messages: page, recovered: recovered === true, position: at },
              since: askedBy,
            }),
          ]
        : []),
      ...(options.maxBufferedBytes === undefined
        ? [
            everySettledMemberGotIt({
              joined: ({ page }: Frame) => (page === undefined ? undefined : 'g'),
              left: (sent: Ask) => (sent.do === 'leave' ? 'g' : undefined),
              to: (sent: Ask) => (sent.do === 'say' ? 'g' : undefined),
            }),
          ]
        : []),
      ...(options.expires === undefined ? [] : [ttlHonoured({ seconds: options.expires })]),
    ],
    ...more,
  };
}

export const scenes: Readonly<Record<string, Simulation<App>>> = {
  memory: scene({ limit: 3 }),
  layer: scene({ isLayered: true }),
  slow: scene({ maxBufferedBytes: 3_000 }, { faults: ['slowReader', 'stall'] }),
  lossy: scene({ maxBufferedBytes: 3_000, slowConsumer: 'drop' }, { faults: ['slowReader', 'stall'] }),
  narrow: scene({ inboundQueue: 2 }),
  expiry: scene({ expires: 10 }),
};
