import { Buffer } from 'node:buffer';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { groupsOf, listening, Rooms } from './upgraded.mjs';

/** npm `ws` with `noServer`: a loop that encodes for each member, as people write it, or with `once` one Buffer for all. */
export async function serve({ role, once = false, compression = false }) {
  const rooms = new Rooms();
  const perMessageDeflate = compression ? { serverNoContextTakeover: true } : false;
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate });
  const publish = (name, message) => {
    if (once) {
      const data = Buffer.from(JSON.stringify(message));
      for (const member of rooms.in(name)) if (member.readyState === 1) member.send(data, { binary: false });
    } else {
      for (const member of rooms.in(name)) if (member.readyState === 1) member.send(JSON.stringify(message));
    }
  };
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    webSockets.handleUpgrade(request, socket, head, (member) => {
      if (role === 'idle') return;
      rooms.join(member, groupsOf(request.url));
      member.on('error', () => member.terminate());
      member.on('close', () => rooms.leave(member));
      if (role === 'echo') member.on('message', (data, isBinary) => member.send(data, { binary: isBinary }));
      if (role === 'rooms') {
        member.on('message', (data) => {
          const message = JSON.parse(String(/** @type {Buffer} */ (data)));
          publish(message.group, message);
        });
      }
    });
  });
  return { port: await listening(server), publish };
}
