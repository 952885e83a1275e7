import { constant, defineLoad, hold, rampTo, zipf, type Scenario } from 'channelbox/load';
import { createChat } from './chat.ts';

/** A thousand people in fifty rooms, a few of them crowded; everybody says something now and then. `npm start` runs it. */
const scenario: Scenario = defineLoad({
  name: 'chat: 1 000 clients in 50 rooms',
  seed: 7,
  app: ({ clock }) => createChat({ clock, rateLimit: false }),
  clients: [rampTo(1_000, '3s'), hold('15s')],
  rooms: zipf(50),
  schedule: constant(0.1),
  payload: ({ faker }) => faker.lorem.sentence(),
  adapter: 'chat',
  warmup: '3s',
  deadline: '5s',
  thresholds: ['lost == 0', 'duplicated == 0', 'connected == 1000'],
});

// oxlint-disable-next-line import/no-default-export -- a scenario is what its file exports by default
export default scenario;
