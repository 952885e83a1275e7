/** One process of a feed on Redis, as a service would run it: it says when it listens, and drains on SIGTERM. */
import { App, ChannelBox, consumer } from 'channelbox';
import { redisLayer } from 'channelbox/redis';

const { PORT, REDIS_URL } = process.env;
const channelBox = new ChannelBox({
  layer: redisLayer({ url: REDIS_URL, prefix: 'rolling' }),
  frame: ({ payload, position }) => ({ ...(payload as object), position }),
});
const feed = consumer('/feed/{name}', {
  encoding: 'json',
  async onConnect(ws) {
    await ws.accept();
    const [epoch, offset] = [ws.query.get('epoch'), ws.query.get('offset')];
    await this.resumeGroup(ws.params.name, {
      ...(epoch === null ? { limit: 0 } : { since: { epoch, offset: Number(offset) } }),
      first: ({ messages, recovered, position }) => ws.sendJson({ type: 'page', messages, recovered, position }),
    });
  },
  async onReceive(ws, data) {
    await this.broadcast({ data }, ws.params.name, { saveHistory: true });
  },
});
const app = new App({ channelBox, http: (_request, response) => void response.end('ok\n') }).addWsRoute(feed);
await app.listen(Number(PORT), '127.0.0.1');
console.log('listening');

process.once('SIGTERM', () => {
  void app
    .drain({ withinMs: 3_000 })
    .then(() => app.close())
    .then(() => process.exit(0));
});
