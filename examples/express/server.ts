import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { App, consumer } from 'channelbox';
import express from 'express';

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

const web = express();
web.use(express.json());
web.get('/', (_request, response) => {
  response.send('POST JSON to /topics/news, and who listens at ws://…/topics/news receives it\n');
});
web.post('/topics/:topic', async (request, response) => {
  const { members } = await app.channelBox.groupSend(request.params.topic, request.body);
  response.json({ members });
});

const server = createServer(web);
app.attach(server);
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`express on http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

const stop = async (): Promise<void> => {
  server.close();
  await app.drain({ withinMs: 5_000 });
  await app.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
