// Rooms on Socket.IO. `node socket-io.mjs [port] [pingIntervalMs] [pingTimeoutMs]` prints its address.
// channelbox itself does not depend on it: `npm ci` in bench/compare installs it.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { Server } = createRequire(new URL('../../../bench/compare/package.json', import.meta.url))('socket.io');

const [port = '0', pingInterval = '25000', pingTimeout = '20000'] = process.argv.slice(2);
const http = createServer();
const server = new Server(http, {
  transports: ['websocket'],
  pingInterval: Number(pingInterval),
  pingTimeout: Number(pingTimeout),
});

server.on('connection', (socket) => {
  let group = '';
  socket.on('join', async (room) => {
    group = room;
    await socket.join(room);
    socket.emit('joined', room);
  });
  socket.on('message', (data) => server.to(group).emit('message', data));
});

http.listen(Number(port), '127.0.0.1', () => process.stdout.write(`ws://127.0.0.1:${http.address().port}\n`));
// It ends with whoever started it.
process.stdin.resume().on('end', () => process.exit());
