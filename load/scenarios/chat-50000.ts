import { constant, defineLoad, hold, rampTo, uniform, type Scenario } from 'channelbox/load';

/**
 * 50 000 clients over 5 000 rooms on one machine: three server processes of 20 000 descriptors each, and generators to
 * match, at 2 000 publishes and 20 000 deliveries a second.
 *
 * `channelbox load load/scenarios/chat-50000.ts --client raw --processes 4 --target ws://127.0.0.1:8081 --target
 * ws://127.0.0.1:8082 --target ws://127.0.0.1:8083`
 */
const scenario: Scenario = defineLoad({
  name: 'chat, 50 000 clients',
  seed: 42,
  clients: [rampTo(50_000, '50s'), hold('65s')],
  rooms: uniform(5_000),
  speakers: 0.1,
  schedule: constant(0.4),
  adapter: 'chat',
  warmup: '55s',
  deadline: '10s',
  thresholds: ['lost == 0', 'connected == 50000'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
