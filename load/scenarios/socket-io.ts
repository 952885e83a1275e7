import { constant, defineLoad, uniform, type Adapter, type Scenario } from 'channelbox/load';

/**
 * Socket.IO 4 (Engine.IO protocol 4) over its WebSocket transport. Its handshake takes steps: the server opens with `0{…}`,
 * the client asks for the default namespace with `40`, is answered `40{…}`, and joins its room with an event. From then on
 * the server pings with `2`, and closes a client that does not answer `3`.
 *
 * The server passes on the event `message` to the room of the event `join`, as `servers/socket-io.mjs` does.
 */
export const socketIo: Adapter = {
  path: () => '/socket.io/?EIO=4&transport=websocket',
  reply(frame, { room }) {
    const text = String(frame);
    if (text === '2') return ['3'];
    if (text.startsWith('0')) return ['40'];
    if (text.startsWith('40')) return [event('join', room)];
    return undefined;
  },
  isJoined: (frame) => String(frame).startsWith('42["joined"'),
  publish: (stamp, payload) => event('message', { stamp, payload }),
  stampOf(frame) {
    const text = String(frame);
    if (!text.startsWith('42["message"')) return undefined;
    const [, data] = JSON.parse(text.slice(2)) as [string, { stamp?: unknown }];
    return String(data.stamp);
  },
};

function event(name: string, data: unknown): string {
  return `42${JSON.stringify([name, data])}`;
}

/** `node load/scenarios/servers/socket-io.mjs 3000`, then `channelbox load load/scenarios/socket-io.ts`. */
const scenario: Scenario = defineLoad({
  name: 'Socket.IO',
  seed: 42,
  target: 'ws://127.0.0.1:3000',
  clients: 100,
  rooms: uniform(10),
  schedule: constant(0.5),
  adapter: socketIo,
  // Longer than pingInterval and pingTimeout together, 45 s by default.
  duration: '60s',
  thresholds: ['lost == 0', 'fanout.p99 < 250ms'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
