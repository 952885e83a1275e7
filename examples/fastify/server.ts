import { parseArgs } from 'node:util';
import { App, consumer } from 'channelbox';
import fastify from 'fastify';

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

const web = fastify();
web.get('/', async () => 'POST JSON to /topics/news, and who listens at ws://…/topics/news receives it\n');
web.post<{ Params: { topic: string } }>('/topics/:topic', async (request) => {
  const { members } = await app.channelBox.groupSend(request.params.topic, request.body);
  return { members };
});

app.attach(web.server);
// Sockets first: fastify waits for the connections of its server, and these are among them.
web.addHook('preClose', async () => {
  await app.drain({ withinMs: 5_000 });
  await app.close();
});
console.log(`fastify on ${await web.listen({ port: Number(values.port), host: '127.0.0.1' })}/`);

process.once('SIGINT', () => void web.close());
process.once('SIGTERM', () => void web.close());
