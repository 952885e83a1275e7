import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { App, consumer } from 'channelbox';
import { WebSocketServer } from 'ws';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });

const server = createServer((_request, response) => response.end('ws://…/topics/news is new, ws://…/legacy is old\n'));

// What was there before: it answers its own path, and everything that is nobody's.
const legacy = new WebSocketServer({ noServer: true });
legacy.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })));
server.on('upgrade', (request, socket, head) => {
  const path = (request.url ?? '/').replace(/\?.*$/s, '');
  if (path === '/legacy') legacy.handleUpgrade(request, socket, head, (ws) => legacy.emit('connection', ws, request));
  else if (!path.startsWith('/topics/')) socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
});

// What is new: `ignore` leaves alone what no route takes.
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
app.attach(server, { unmatched: 'ignore' });

server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`both on http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

const stop = async (): Promise<void> => {
  server.close();
  for (const socket of legacy.clients) socket.close(1001);
  await app.drain({ withinMs: 5_000 });
  await app.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
