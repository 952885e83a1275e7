/** The clients of all servers, bare sockets that count: each knows only enough of the protocol to stay. */
import { WebSocket } from 'ws';

let received = 0;
const sockets = [];

process.on('message', (message) => void onMessage(message));

async function onMessage(message) {
  if (message.count) return process.send({ received });
  if (message.stop) return process.exit(0);
  const { ports, clients, rooms, isSocketIo } = message.connect;
  for (let at = 0; at < clients; at += 20) {
    const some = Array.from({ length: Math.min(20, clients - at) }, (_, index) => at + index);
    await Promise.all(
      some.map((index) =>
        // Each room has members on all nodes, as far as it has so many.
        join(ports[index % ports.length], `r${Math.floor((index * rooms) / clients)}`, isSocketIo),
      ),
    );
  }
  process.send({ connected: sockets.length });
}
process.on('disconnect', () => process.exit(0));

function join(port, room, isSocketIo) {
  const url = isSocketIo
    ? `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket&room=${room}`
    : `ws://127.0.0.1:${port}/room/${room}`;
  const socket = new WebSocket(url, { perMessageDeflate: false });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (bytes) => {
      const text = Buffer.from(bytes).toString();
      if (text.startsWith('0')) socket.send('40');
      else if (text === '2') socket.send('3');
      else if (text === 'joined' || text.startsWith('42["joined"')) resolve();
      else if (!isSocketIo || text.startsWith('42')) received += 1;
    });
  });
}
