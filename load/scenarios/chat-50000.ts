import { constant, defineLoad, hold, rampTo, uniform, type Scenario } from 'channelbox/load';

/**
 * 50 000 clients over 5 000 rooms on one machine: three server processes of 20 000 descriptors each, and generators to
 * match. Quiet enough for two cores: 1 000 publishes and 10 000 deliveries a second.
 */
const scenario: Scenario = defineLoad({
  name: 'chat, 50 000 clients',
  seed: 42,
  clients: [rampTo(50_000, '50s'), hold('65s')],
  rooms: uniform(5_000),
  speakers: 0.1,
  schedule: constant(0.2),
  adapter: 'chat',
  warmup: '55s',
  deadline: '10s',
  thresholds: ['lost == 0', 'connected == 50000'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
