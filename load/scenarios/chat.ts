import { createChat } from '../../examples/chat/chat.ts';
import { constant, defineLoad, hold, rampTo, uniform, type Scenario } from 'channelbox/load';

/**
 * The chat server of examples/chat under a moderate load: `npm start`, or
 * `channelbox load load/scenarios/chat.ts --target ws://127.0.0.1:8080` against one that runs with `--no-rate-limit`;
 * `--inproc` runs the same without a network, in virtual time.
 */
const scenario: Scenario = defineLoad({
  name: 'chat',
  seed: 42,
  target: 'ws://127.0.0.1:8080',
  app: ({ clock }) => createChat({ clock, rateLimit: false }),
  clients: [rampTo(500, '5s'), hold('25s')],
  rooms: uniform(50),
  speakers: 0.2,
  schedule: constant(0.5),
  payload: ({ faker }) => faker.lorem.sentence(),
  adapter: 'chat',
  warmup: '5s',
  deadline: '5s',
  thresholds: ['lost == 0', 'connect.p95 < 1s', 'fanout.p99 < 250ms'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
