// Prints what the runs of a few apps hash to, a line for each app and seed: the same on every machine, in every process, on every Node.
// Plain JavaScript, so that any Node runs it as it is; `.ci/run` compares what three of them print.
import process from 'node:process';
import { App, ChannelBox, consumer } from 'channelbox';
import { simulate } from 'channelbox/testing/simulator';

const positionOf = (text) => {
  const parts = /^(.*):(\d+)$/.exec(text ?? '');
  return parts === null ? undefined : { epoch: parts[1], offset: Number(parts[2]) };
};

/** Clients resume from where they were; what is said is checked outside, saved, and has luck in it. */
function roomOf(env, { layer, limits = {}, expires = null } = {}) {
  const channelBox = new ChannelBox({
    historyCount: 3,
    frame: ({ payload, position }) => ({ ...payload, at: `${position.epoch}:${position.offset}` }),
    ...(layer && { layer }),
  });
  return new App({ channelBox, limits }).addWsRoute(
    consumer('/', {
      encoding: 'json',
      expires,
      async onConnect(ws) {
        await ws.accept();
        await this.resumeGroup('g', {
          since: positionOf(ws.query.get('since')),
          first: (page) => this.send({ page: page.messages.length, id: ws.id }),
        });
      },
      async onReceive(ws, data) {
        await env.io('check');
        await this.broadcast({ data, luck: env.random(), now: ws.app.clock.now() }, 'g', { saveHistory: true });
      },
    }),
  );
}

const client = {
  connect: (c, g) => (c.data.at !== undefined && g.chance(0.7) ? `/?since=${c.data.at}` : '/'),
  react: (c, event) => {
    if (event.kind === 'frame') c.data.at = event.json.at ?? c.data.at;
  },
  actions: {
    say: [3, (c, g) => c.sendJson(g.stamp())],
    pick: (c, g) => c.sendJson(g.pick(['left', 'right', g.int(9)])),
    think: async (c) => {
      await c.sleep(20);
      c.sendJson('thought');
    },
  },
};

const simulations = {
  'one node, every fault': { ...client, system: (env) => roomOf(env) },
  'three nodes behind a layer': { ...client, nodes: 3, system: (env) => roomOf(env, { layer: env.layer }) },
  'slow readers that expire': {
    ...client,
    system: (env) => roomOf(env, { limits: { maxBufferedBytes: 500, inboundQueue: 2 }, expires: 5 }),
    faults: ['slowReader', 'stall', 'pause', 'clockJump'],
  },
};

for (const [name, simulation] of Object.entries(simulations)) {
  for (const seed of [1, 2, 3]) {
    const { hash, deliveries, failure } = await simulate({ ...simulation, seed, runs: 25 });
    const came = failure === undefined ? `${deliveries} deliveries` : `${failure.kind} ${failure.name}`;
    process.stdout.write(`${name}, seed ${seed}: ${hash}, ${came}\n`);
  }
}
