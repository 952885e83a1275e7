import { createChat } from '../../examples/chat/chat.ts';
import { constant, defineLoad, hold, rampTo, uniform, type Scenario } from 'channelbox/load';

/**
 * 20 000 clients over 2 000 rooms, held for 60 s at 2 000 publishes and 20 000 deliveries a second. A server process has
 * at most as many sockets as descriptors, so it takes two of them, each a target: room i lives on target i mod 2.
 *
 * `channelbox load load/scenarios/chat-20000.ts --target ws://127.0.0.1:8081 --target ws://127.0.0.1:8082 --client raw`
 */
const scenario: Scenario = defineLoad({
  name: 'chat, 20 000 clients',
  seed: 42,
  app: ({ clock }) => createChat({ clock, rateLimit: false }),
  clients: [rampTo(20_000, '20s'), hold('65s')],
  rooms: uniform(2_000),
  speakers: 0.1,
  schedule: constant(1),
  adapter: 'chat',
  warmup: '25s',
  deadline: '10s',
  thresholds: ['lost == 0', 'connected == 20000'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
