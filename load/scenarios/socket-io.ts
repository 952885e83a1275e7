import { constant, defineLoad, uniform, type Scenario } from 'channelbox/load';

/**
 * This scenario loads a Socket.IO server: `node load/scenarios/servers/socket-io.mjs 3000`, then `channelbox load
 * load/scenarios/socket-io.ts`.
 */
const scenario: Scenario = defineLoad({
  name: 'Socket.IO',
  seed: 42,
  target: 'ws://127.0.0.1:3000',
  clients: 100,
  rooms: uniform(10),
  schedule: constant(0.5),
  adapter: 'socket.io',
  // Longer than pingInterval and pingTimeout together, 45 s by default.
  duration: '60s',
  thresholds: ['lost == 0', 'fanout.p99 < 250ms'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
