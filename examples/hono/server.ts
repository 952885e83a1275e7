import type { Server } from 'node:http';
import { parseArgs } from 'node:util';
import { App, consumer } from 'channelbox';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });

const app = new App();
app.addWsRoute(
  consumer('/topics/{topic}', {
    encoding: 'json',
    async onConnect(ws) {
      await ws.accept();
      await this.joinGroup(ws.params.topic);
      await this.send({ subscribed: ws.params.topic });
    },
    async onReceive(ws, data) {
      await this.broadcast(data, ws.params.topic);
    },
  }),
);

const web = new Hono();
web.get('/', (context) =>
  context.text('POST JSON to /topics/news, and who listens at ws://…/topics/news receives it\n'),
);
web.post('/topics/:topic', async (context) => {
  const { members } = await app.channelBox.groupSend(context.req.param('topic'), await context.req.json());
  return context.json({ members });
});

// Asked for nothing else, `serve` makes a server of node:http; its type allows for HTTP/2 as well.
const server = serve({ fetch: web.fetch, port: Number(values.port), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`hono on http://127.0.0.1:${port}/`);
}) as Server;
app.attach(server);

const stop = async (): Promise<void> => {
  server.close();
  await app.drain({ withinMs: 5_000 });
  await app.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
