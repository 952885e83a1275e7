/** The least that a node can do: a PUBLISH on a bare socket, and each push written to the sockets of a room as one ready frame. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createConnection } from 'node:net';
import { WebSocketServer } from 'ws';

export async function bare(url, prefix) {
  const [commands, pushes] = await Promise.all([connected(url), connected(url)]);
  const rooms = new Map();
  commands.resume();
  pushes.on('data', (bytes) => onPush(bytes, prefix, rooms));
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (ws, request) => {
    const room = request.url.slice('/room/'.length);
    const members = rooms.get(room);
    if (members === undefined) {
      rooms.set(room, [request.socket]);
      pushes.write(command('SUBSCRIBE', `${prefix}${room}`));
    } else members.push(request.socket);
    ws.send('joined');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    publish: (room, text) => void commands.write(command('PUBLISH', `${prefix}${room}`, text)),
  };
}

export async function connected(url) {
  const { hostname, port } = new URL(url);
  const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Hears one channel, and tells of each read. */
export async function subscriber(url, channel, onRead) {
  const socket = await connected(url);
  socket.write(command('SUBSCRIBE', channel));
  await once(socket, 'data');
  socket.unref();
  socket.on('data', onRead);
}

export function command(...parts) {
  return `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
}

/** Pushes of one read: the three parts of each stand on every second line. One that is cut in two would show as missing. */
function onPush(bytes, prefix, rooms) {
  const lines = bytes.latin1Slice().split('\r\n');
  for (let at = 0; at + 6 < lines.length; at += 7) {
    if (lines[at + 2] !== 'message') {
      at -= 1;
      continue;
    }
    const text = lines[at + 6];
    const frame = Buffer.allocUnsafe(4 + text.length);
    frame[0] = 0x81;
    frame[1] = 126;
    frame.writeUInt16BE(text.length, 2);
    frame.latin1Write(text, 4);
    for (const socket of rooms.get(lines[at + 4].slice(prefix.length)) ?? []) socket.write(frame);
  }
}
