import { App } from 'channelbox';
import { constant, load, type Adapter, type Scenario } from 'channelbox/load';
import { expect, test } from 'vitest';
import { openEcho } from './echo-server.ts';

const withToken: Adapter = {
  path: (client) => `/?token=${client.prepared as string}`,
  subprotocols: (client) => [`client-${client.index}`],
  publish: (stamp) => stamp,
  stampOf: String,
  reach: 'sender',
};
const echoApp: Scenario['app'] = ({ clock }) =>
  new App({ clock }).wsRoute('/', async (ws) => {
    await ws.accept();
    for await (const text of ws.iterText()) await ws.sendText(text);
  });
const scenario: Scenario = { adapter: withToken, clients: 12, duration: '300ms', deadline: '5s' };

test('a login goes before each connect, so many at once; what it gives is the client’s, and its time a figure of its own', async () => {
  const requests: string[] = [];
  const everybodySpoke = new AbortController();
  let spoke = 0;
  await using server = await openEcho({
    onConnection: (socket, { url }) => {
      requests.push(`${url} ${socket.protocol}`);
      socket.once('message', () => ++spoke === 12 && everybodySpoke.abort());
    },
  });
  let atOnce = 0;
  let most = 0;
  const prepare: Scenario['prepare'] = async ({ index, room }) => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise(setImmediate);
    atOnce -= 1;
    return `${room}-${index}`;
  };
  // It ends when all have come, however long the machine takes for that.
  const report = await load(
    { ...scenario, schedule: constant(20), duration: '20s', prepare, prepareConcurrency: 3 },
    { target: server.url, signal: everybodySpoke.signal },
  );
  expect(most).toBe(3);
  const asked = Array.from({ length: 12 }, (_, index) => `/?token=room-0-${index} client-${index}`);
  expect(requests.toSorted()).toEqual(asked.toSorted());
  expect(report.latency.prepare?.count).toBe(12);
  expect(report.latency.connect.count).toBe(12);
});

test.each([
  [
    'an answer that says no',
    async () => await Promise.resolve(new Response('no', { status: 401, statusText: 'Unauthorized' })),
    'prepare-401',
  ],
  [
    'an error with a status',
    async () => await Promise.reject(Object.assign(new Error('login'), { status: 503 })),
    'prepare-503',
  ],
  ['an error', async () => await Promise.reject(new Error('no route to the login')), 'prepare'],
] as const)('%s is a client that was not let in, told by its status', async (_, answer, kind) => {
  const prepare: Scenario['prepare'] = async ({ index }) => (index < 4 ? await answer() : 'in');
  // In virtual time: of a run of 300 ms a machine that is busy may not let anybody in.
  const report = await load({ ...scenario, app: echoApp, prepare }, { inproc: true });
  expect(report.clients).toMatchObject({ intended: 12, connected: 8, refused: 4 });
  expect(report.errors).toEqual([{ kind, count: 4, sample: expect.stringContaining('could not be prepared') }]);
  expect(report.verdict).toBe('fail');
  const status = kind.split('-')[1];
  const says = status === undefined ? 'no route to the login' : `answered ${status}`;
  expect(report.verdict === 'fail' && report.reasons[0]).toContain(says);
});
