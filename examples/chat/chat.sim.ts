import type { App } from 'channelbox';
import {
  defineSimulation,
  everyMemberGotIt,
  hooksPaired,
  noCauselessClose,
  noDuplicates,
  noGhosts,
  noSilentGap,
  onlyMembers,
  perSenderFifo,
  type Simulation,
} from 'channelbox/testing/simulator';
import { createChat } from './chat.ts';
import type { HistoryFrame } from './protocol.ts';

/** A frame of the chat, whichever it is. */
type Frame = Partial<Omit<HistoryFrame, 'type'>> & { readonly type: string };

/** Small bounds, so that pages are cut and crowds are counted in every run. */
const room = { historyMax: 4, resumeMax: 6, peopleMax: 3 };

const isPage = (frame: Frame): boolean => frame.type === 'history';

/** The chat on three nodes: `npx channelbox simulate chat.sim.ts --budget 2m`. */
const simulation: Simulation<App> = defineSimulation({
  nodes: 3,
  system: (env) => createChat({ rateLimit: false, layer: env.layer, ...room }),
  connect: (c, g) => {
    const name = g.pick(['a', 'b']);
    const at = c.data[name] as string | undefined;
    c.data['room'] = name;
    return `/room/${name}?username=${c.name}${at !== undefined && g.chance(0.7) ? `&since=${at}` : ''}`;
  },
  react: (c, event) => {
    if (event.kind !== 'frame') return;
    const { position } = event.json as Frame;
    if (position !== undefined) c.data[c.data['room'] as string] = position;
  },
  actions: {
    say: [4, (c, g) => c.sendJson({ type: 'message', content: g.stamp() })],
    burst: (c, g) => {
      for (let at = 0; at < 3; at += 1) c.sendJson({ type: 'message', content: g.stamp() });
    },
    ping: (c) => c.sendJson({ type: 'ping' }),
    mumble: [0.3, (c) => c.sendJson({ type: 'message', content: ' ' })],
  },
  checkers: [
    perSenderFifo(),
    noDuplicates(),
    onlyMembers(),
    everyMemberGotIt(),
    noGhosts(),
    noCauselessClose(),
    hooksPaired(),
    noSilentGap({
      position: (frame: Frame) => (isPage(frame) ? undefined : frame.position),
      page: (frame: Frame) =>
        isPage(frame)
          ? { messages: frame.messages ?? [], recovered: frame.recovered === true, position: frame.position }
          : undefined,
    }),
  ],
});

// oxlint-disable-next-line import/no-default-export -- a simulation is what its file exports by default
export default simulation;
