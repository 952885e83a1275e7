import type { Adapter } from './adapter.ts';

/**
 * This adapter speaks Socket.IO 4 (Engine.IO protocol 4) over its WebSocket transport. Its handshake takes steps: the
 * server opens with `0{…}`, the client asks for the default namespace with `40`, is answered `40{…}`, and joins its
 * room with an event. From then on the server pings with `2`, and closes a client that does not answer `3`. What
 * `prepare` gave is the handshake's `auth`.
 *
 * The server answers the event `join` (a room's name) with `joined`, and passes the event `message` on to the room:
 * `socket.on('message', (data) => io.to(room).emit('message', data))`.
 */
export const socketIo: Adapter = {
  path: () => '/socket.io/?EIO=4&transport=websocket',
  reply(frame, { room, prepared }) {
    const text = String(frame);
    if (text === '2') return ['3'];
    if (text.startsWith('0')) return [`40${prepared === undefined ? '' : JSON.stringify(prepared)}`];
    if (text.startsWith('40')) return [event('join', room)];
    return undefined;
  },
  isJoined: (frame) => String(frame).startsWith('42["joined"'),
  publish: (stamp, payload) => event('message', { stamp, payload }),
  stampOf(frame) {
    const text = String(frame);
    if (!text.startsWith('42["message"')) return undefined;
    const [, data] = JSON.parse(text.slice(2)) as [string, { stamp?: unknown } | undefined];
    return typeof data?.stamp === 'string' ? data.stamp : undefined;
  },
  kindOf(frame) {
    const text = String(frame);
    const [, name] = /^42\["([^"]*)"/.exec(text) ?? [];
    return (
      name ??
      { '0': 'open', '2': 'ping', '40': 'connect', '44': 'connect_error' }[/^4?\d/.exec(text)?.[0] ?? ''] ??
      'other'
    );
  },
};

function event(name: string, data: unknown): string {
  return `42${JSON.stringify([name, data])}`;
}
