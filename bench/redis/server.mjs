/** One server of a cluster: `node server.mjs <variant> <redis url>`; speaks with its parent by messages. */
import { createServer } from 'node:http';
import { createClient } from '@redis/client';
import { bareLayer } from './bare-layer.mjs';
import { bare } from './bare.mjs';
import { intoRoom } from './room.mjs';

const [variant, url] = process.argv.slice(2);
const kinds = { bare: plain, 'socket.io': socketIo, channelbox };
const publish = await kinds[variant.split(' ')[0]]();
const payload = 'x'.repeat(128);

process.on('message', (message) => {
  if (message.cpu) return process.send({ cpu: process.cpuUsage() });
  if (message.stop) return process.exit(0);
  // At an even pace, so that every variant has the same to do: one at a time, as messages of clients would come, or some in a turn.
  const { rooms, first, count, atOnce, everyMs, afterMs } = message.publish;
  const startMs = performance.now() + afterMs;
  let done = 0;
  const next = () => {
    for (const end = Math.min(count, done + atOnce); done < end; done += 1)
      publish(rooms[(first + done) % rooms.length], payload);
    if (done === count) return process.send({ published: count });
    setTimeout(next, startMs + done * everyMs - performance.now());
  };
  setTimeout(next, afterMs);
});
process.on('disconnect', () => process.exit(0));

async function plain() {
  const { port, publish } = await bare(url, `bench${process.ppid}.`);
  process.send({ port });
  return publish;
}

async function channelbox() {
  const { App, ChannelBox } = await import('../../dist/src/index.js');
  const { redisLayer } = await import('../../dist/src/redis.js');
  const layerOptions = {
    url,
    prefix: `bench${process.ppid}.${variant.replaceAll(/\W/g, '-')}`,
    // What only that client does: connections are then made by it.
    ...(variant.includes('@redis/client') && { client: { pingInterval: 3_600_000 } }),
  };
  const layers = {
    memory: () => undefined,
    'bare layer': () => bareLayer(url, `bench${process.ppid}.layer.`),
  };
  const layer = await (layers[variant.slice('channelbox '.length)] ?? (() => redisLayer(layerOptions)))();
  const app = new App({ channelBox: new ChannelBox({ ...(layer && { layer }) }), origins: '*' });
  app.wsRoute('/room/{room}', intoRoom);
  const { port } = await app.listen(0, '127.0.0.1');
  process.send({ port });
  const options = { saveHistory: variant.includes('saved') && !variant.includes('unsaved') };
  return (room, text) => void app.channelBox.groupSend(room, text, options);
}

async function socketIo() {
  const { Server } = await import('socket.io');
  const server = createServer();
  const client = createClient({ url });
  await client.connect();
  let adapter;
  if (variant.includes('streams')) {
    const { createAdapter } = await import('@socket.io/redis-streams-adapter');
    adapter = createAdapter(client, { streamName: `bench${process.ppid}` });
  } else {
    const { createAdapter } = await import('@socket.io/redis-adapter');
    const subscriber = client.duplicate();
    await subscriber.connect();
    adapter = createAdapter(client, subscriber, { key: `bench${process.ppid}` });
  }
  const io = new Server(server, { adapter, transports: ['websocket'] });
  io.on('connection', (socket) => {
    void socket.join(socket.handshake.query.room);
    socket.emit('joined');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.send({ port: server.address().port });
  return (room, text) => io.to(room).emit('m', text);
}
