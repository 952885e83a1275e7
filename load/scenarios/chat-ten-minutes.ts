import { createChat } from '../../examples/chat/chat.ts';
import { constant, defineLoad, uniform, type Scenario } from 'channelbox/load';

/**
 * This scenario has 10 000 clients over 1 000 rooms for ten simulated minutes, 1 000 speakers at 0.2 a second: 1.2
 * million deliveries. `channelbox load load/scenarios/chat-ten-minutes.ts --inproc`
 */
const scenario: Scenario = defineLoad({
  name: 'chat, ten minutes',
  seed: 42,
  app: ({ clock }) => createChat({ clock, rateLimit: false }),
  clients: 10_000,
  duration: '10m',
  rooms: uniform(1_000),
  speakers: 1_000,
  schedule: constant(0.2),
  adapter: 'chat',
  thresholds: ['lost == 0', 'connected == 10000'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
