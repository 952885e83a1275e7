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
  type Checker,
  type SimEnv,
  type SimEvent,
  type Simulation,
} from 'channelbox/testing/simulator';

import { lateJoins } from './late-joins.ts';

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
  readonly historyCount?: number;
  /** What a message weighs besides its words. */
  readonly padding?: number;
  readonly maxBufferedBytes?: number;
  readonly slowConsumer?: 'drop';
  readonly inboundQueue?: number;
  readonly expires?: number;
  readonly isLayered?: boolean;
  /** It is a member already when it resumes. */
  readonly joinsFirst?: boolean;
}

/** What a group keeps: so many messages, and for each of them, and for all together, so many bytes. */
const historyCountDefault = 4;
const messageBytes = 250;
const groupBytes = 500;

function sizeFor({ padding = 0, historyCount = historyCountDefault }: SceneOptions): number {
  return groupBytes + historyCount * (messageBytes + padding);
}

/** As the framework counts: a kept message costs half a kilobyte besides its words, a group one. */
function costFor({ padding = 0, historyCount = historyCountDefault }: SceneOptions): number {
  return 1_024 + historyCount * (512 + messageBytes + padding);
}

function sceneApp(env: SimEnv, options: SceneOptions): App {
  const { limit, historyCount = historyCountDefault, maxBufferedBytes = 1_048_576 } = options;
  const { inboundQueue = 64, expires = null } = options;
  const app = new App({
    limits: { maxBufferedBytes, inboundQueue, slowConsumer: options.slowConsumer ?? 'close' },
    channelBox: new ChannelBox({
      historyCount,
      historySize: sizeFor(options),
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
        const joining = options.joinsFirst === true ? this.joinGroup('g') : undefined;
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
        await joining;
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
  return first?.e === 'recv' ? (frameOf(first.text).asked ?? undefined) : undefined;
}

/** Who asks for all gets what a group keeps, or all that there was. */
function keepsItsCount({ historyCount = historyCountDefault, limit = historyCount }: SceneOptions): Checker {
  return {
    name: 'keepsItsCount',
    check: ({ history }) => {
      let checked = 0;
      for (const event of history) {
        const { page, at = '', asked } = event.e === 'recv' ? frameOf(event.text) : {};
        if (page === undefined || asked !== null) continue;
        checked += 1;
        const there = Math.min(limit, historyCount, Number(at.slice(at.lastIndexOf(':') + 1)));
        if (page.length === there) continue;
        return { checked, fault: { message: `a page of ${page.length}, and ${there} are kept`, witness: [event] } };
      }
      return { checked };
    },
  };
}

function hasPage(history: readonly SimEvent[], isWhole: boolean): boolean {
  return history.some((event) => {
    if (event.e !== 'recv') return false;
    const { page, recovered, asked } = frameOf(event.text);
    return page !== undefined && typeof asked === 'string' && recovered === isWhole;
  });
}

function frameOf(text: string): Frame {
  return JSON.parse(text) as Frame;
}

function scene(options: SceneOptions, more: Partial<Simulation<App>> = {}): Simulation<App> {
  const { padding = 0, maxBufferedBytes, slowConsumer, expires } = options;
  const filling = 'x'.repeat(padding);
  // Bounds so small are passed by a burst alone.
  const isNarrow = maxBufferedBytes !== undefined;
  return {
    system: (env) => sceneApp(env, options),
    connect: (c, g) => (c.data['at'] !== undefined && g.chance(0.7) ? `/?since=${c.data['at'] as string}` : '/'),
    react: (c, event) => {
      if (event.kind === 'frame') c.data['at'] = (event.json as Frame).at ?? c.data['at'];
    },
    actions: {
      say: [3, (c, g) => c.sendJson({ do: 'say', text: g.stamp() + filling })],
      whisper: (c, g) => c.sendJson({ do: 'whisper', text: g.stamp() + filling }),
      burst: (c, g) => {
        for (let at = 0; at < 3; at += 1) c.sendJson({ do: 'say', text: g.stamp() + filling });
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
      hooksPaired(),
      ...(options.isLayered === true
        ? []
        : [memoryBounded({ historyBytes: costFor(options), bufferedBytes: 200_000 }), keepsItsCount(options)]),
      ...(isNarrow ? [] : [noCauselessClose(), settled]),
      // Who may lose messages has gaps.
      ...(slowConsumer === 'drop' ? [] : [wholePositions]),
      ...(expires === undefined ? [] : [ttlHonoured({ seconds: expires })]),
    ],
    sometimes: {
      'a page is whole': ({ history }) => hasPage(history, true),
      'a page has a gap in front': ({ history }) => hasPage(history, false),
      ...(isNarrow && {
        'somebody is too slow': ({ history }) => history.some((event) => event.e === 'deliver' && !!event.denied),
      }),
      ...(expires !== undefined && {
        'somebody expires': ({ history }) => history.some((event) => event.e === 'gone' && event.code === 4408),
      }),
    },
    ...more,
  };
}

const wholePositions = noSilentGap({
  position: ({ page, at }: Frame) => (page === undefined ? at : undefined),
  page: ({ page, recovered, at }: Frame) =>
    page === undefined ? undefined : { messages: page, recovered: recovered === true, position: at },
  since: askedBy,
});
const settled = everySettledMemberGotIt({
  joined: ({ page }: Frame) => (page === undefined ? undefined : 'g'),
  left: (sent: Ask) => (sent.do === 'leave' ? 'g' : undefined),
  to: (sent: Ask) => (sent.do === 'say' ? 'g' : undefined),
});
// A few messages fill what the network takes, and what may wait behind that.
const heavy: SceneOptions = { padding: 30_000, maxBufferedBytes: 40_000 };
const slow: Partial<Simulation<App>> = { faults: ['slowReader', 'stall'], churn: 0.1 };

export const scenes: Readonly<Record<string, Simulation<App>>> = {
  memory: scene({ limit: 3 }),
  whole: scene({ historyCount: 2 }),
  layer: scene({ isLayered: true }),
  joined: scene({ isLayered: true, joinsFirst: true }),
  slow: scene(heavy, slow),
  lossy: scene({ ...heavy, slowConsumer: 'drop' }, slow),
  narrow: scene({ inboundQueue: 2 }),
  expiry: scene({ expires: 10 }),
  late: lateJoins,
};
