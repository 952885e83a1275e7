import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { listening } from './upgraded.mjs';

const hourMs = 3_600_000;

/** Socket.IO over WebSocket alone, its rooms and its own encoding. */
export async function serve({ role, compression = false }) {
  const server = createServer();
  const io = new Server(server, {
    transports: ['websocket'],
    pingInterval: hourMs,
    pingTimeout: hourMs,
    serveClient: false,
    perMessageDeflate: compression ? { serverNoContextTakeover: true, threshold: 1024 } : false,
  });
  const publish = (name, message) => io.to(name).emit('m', message);
  io.on('connection', (socket) => {
    const groups = String(socket.handshake.query.groups ?? '').split(',');
    for (const name of groups) if (name !== '') void socket.join(name);
    if (role === 'echo') socket.on('m', (message) => socket.emit('m', message));
    if (role === 'rooms') socket.on('m', (message) => publish(message.group, message));
  });
  return { port: await listening(server), publish };
}
