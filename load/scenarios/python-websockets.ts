import { constant, defineLoad, uniform, type Scenario } from 'channelbox/load';

/**
 * This scenario loads a server in another language: Python's `websockets` with the events of the json adapter.
 * `python3 load/scenarios/servers/websockets_rooms.py 8765`, then `channelbox load
 * load/scenarios/python-websockets.ts`.
 */
const scenario: Scenario = defineLoad({
  name: 'Python websockets',
  seed: 42,
  target: 'ws://127.0.0.1:8765',
  clients: 100,
  rooms: uniform(10),
  schedule: constant(1),
  adapter: 'json',
  duration: '30s',
  thresholds: ['lost == 0', 'fanout.p99 < 250ms'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
