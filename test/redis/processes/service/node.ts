/** One process of a fault run: rooms on the layer over Redis, whose members speak, hear, come back and are told of losses. */
import { App, ChannelBox, consumer, LayerError, type Channel, type GroupSendOptions } from 'channelbox';
import { redisLayer, type RedisLayer } from 'channelbox/redis';
import { loadRedis } from '../../../../src/layer/redis/broker/client-port.ts';
import { RedisBroker } from '../../../../src/layer/redis/broker/redis-broker.ts';
import { settingsOf } from '../../../../src/layer/redis/connection/options.ts';
import { BrokeredLayer } from '../../../../src/layer/redis/redis-layer.ts';
import { AlteredBroker } from './altered-broker.ts';
import type { NodeJob } from '../job.ts';
import { LateTime } from './late-time.ts';

/** What the run asks of a process over its channel. */
export type NodeOrder =
  | { readonly ask: 'status' }
  | { readonly ask: 'members'; readonly room: string }
  /** Its event loop stands still. */
  | { readonly ask: 'stall'; readonly ms: number }
  | { readonly ask: 'drop'; readonly count: number }
  | { readonly ask: 'send'; readonly to: string; readonly payload: object };

interface Saying {
  readonly say: string;
  readonly to: string;
  readonly isSaved: boolean;
  readonly key?: string;
  readonly pad?: string;
}

const job = JSON.parse(process.env['FAULT_NODE'] ?? '') as NodeJob;
const settings = settingsOf(job.layer);
const altered =
  job.without === undefined && !job.isNewer && process.env['FAULT_DROPS'] === undefined
    ? undefined
    : new AlteredBroker(new RedisBroker(loadRedis(), settings), job);
const layer: RedisLayer = altered === undefined ? redisLayer(job.layer) : new BrokeredLayer(altered, settings);
const late = new LateTime();
const sockets = new Map<string, Set<{ tell(frame: object): void }>>();
const box = new ChannelBox({
  layer,
  historyCount: job.countMax,
  frame: ({ payload, position }) => ({ ...(payload as object), position }),
  onMissed: (room, what) => {
    for (const socket of sockets.get(room) ?? []) socket.tell({ type: 'missed', what });
  },
});

const room = consumer('/room/{room}', {
  encoding: 'json',
  async onConnect(ws) {
    await ws.accept();
    const here = { tell: (frame: object): void => void ws.sendJson(frame).catch(() => {}) };
    const all = sockets.get(ws.params.room) ?? new Set();
    sockets.set(ws.params.room, all.add(here));
    ws.signal.addEventListener('abort', () => all.delete(here));
    const [epoch, offset] = [ws.query.get('epoch'), ws.query.get('offset')];
    await this.resumeGroup(ws.params.room, {
      ...(epoch === null ? { limit: 0 } : { since: { epoch, offset: Number(offset) } }),
      first: ({ messages, recovered, position }) => {
        const ids = messages.map((entry) => ({ id: (entry.payload as { id: string }).id, position: entry.position }));
        return ws.sendJson({ type: 'page', messages: ids, recovered, position, member: this.channel.uuid });
      },
    });
  },
  onReceive(ws, data) {
    say(data as Saying, (frame) => void ws.sendJson(frame).catch(() => {}), this.channel);
  },
});

/** Not awaited by the handler: a member may say the next thing before it has heard what became of the last. */
function say({ say: id, to, isSaved, key, pad }: Saying, answer: (frame: object) => void, by: Channel): void {
  const startMs = performance.now() - late.totalMs;
  const options: GroupSendOptions = { saveHistory: isSaved, ...(key === undefined ? {} : { key }) };
  const payload = { id, by: by.uuid, ...(pad === undefined ? {} : { pad }) };
  const cost = (): number => Math.round(performance.now() - late.totalMs - startMs);
  box.groupSend(to, payload, options).then(
    ({ position }) => answer({ type: 'acked', id, position, costMs: cost() }),
    (error: unknown) => {
      const { delivered, code } = error instanceof LayerError ? error : { delivered: undefined, code: String(error) };
      answer({ type: 'refused', id, delivered: delivered ?? 'unknown', code, costMs: cost() });
    },
  );
}

process.on('message', (order: NodeOrder) => void obey(order));

async function obey(order: NodeOrder): Promise<void> {
  switch (order.ask) {
    case 'status':
      return reply({ health: layer.health(), metrics: layer.metrics(), dropped: altered?.dropped ?? 0 });
    case 'members':
      return reply((await box.members(order.room).catch(() => [])).map(({ uuid }) => uuid));
    case 'stall': {
      const untilMs = performance.now() + order.ms;
      while (performance.now() < untilMs);
      return reply(order.ms);
    }
    case 'drop':
      if (altered !== undefined) altered.dropNext = order.count;
      return reply(null);
    case 'send': {
      const outcome = await box.sendTo(order.to, order.payload).catch((error: unknown) => (error as LayerError).code);
      return reply(outcome);
    }
  }
}

function reply(answer: unknown): void {
  process.send?.({ answer });
}

// What goes wrong here is meant to.
const silence = { debug() {}, info() {}, warn() {}, error() {} };
const app = new App({ channelBox: box, logger: silence, limits: { maxBufferedBytes: 64 * 2 ** 20 } }).addWsRoute(room);
const { port } = await app.listen(0, '127.0.0.1');
process.send?.({ port });
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => {
  void app
    .drain({ withinMs: 1_000 })
    .then(() => app.close())
    .then(() => process.exit(0));
});
