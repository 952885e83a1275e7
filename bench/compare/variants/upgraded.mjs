import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Handshakes done by hand: what is left is a bare `net.Socket`. */
export function acceptSockets(onSocket) {
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`,
    );
    socket.setNoDelay(true);
    socket.setTimeout(0);
    socket.on('error', () => socket.destroy());
    onSocket(socket, groupsOf(request.url));
  });
  return listening(server);
}

export function listening(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

/** `?groups=a,b` */
export function groupsOf(target) {
  const [, list = ''] = /[?&]groups=([^&]*)/.exec(target) ?? [];
  return list.split(',').filter((name) => name !== '');
}

/** Groups as anybody keeps them in a small server: a set of members under each name. */
export class Rooms {
  #members = new Map();

  join(member, names) {
    for (const name of names) {
      if (!this.#members.has(name)) this.#members.set(name, new Set());
      this.#members.get(name).add(member);
    }
  }

  leave(member) {
    for (const members of this.#members.values()) members.delete(member);
  }

  in(name) {
    return this.#members.get(name) ?? [];
  }
}
