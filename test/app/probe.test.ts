import { App, ChannelBox, consumer, instrument, type Frame, type Logger, type ServerWebSocket } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';
import { ManualClock, turn } from '../manual-clock.ts';
import { Peers } from '../peers.ts';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('a probe hears of joins, deliveries with their frames, outcomes and hooks, in order', async () => {
  const heard: string[] = [];
  const frames: Frame[] = [];
  const app = new App().addWsRoute(
    consumer('/', {
      async onConnect(ws) {
        await ws.accept();
        await ws.join('room');
      },
      async onReceive() {
        await this.broadcast('hi', 'room');
        throw new Error('after it');
      },
    }),
  );
  instrument(app, {
    clock: new ManualClock(),
    logger: silent,
    joined: (_connection, group) => heard.push(`joined ${group}`),
    left: (_connection, group) => heard.push(`left ${group}`),
    delivering: (group) => {
      heard.push(`delivering to ${group}`);
      return 'token';
    },
    held: (frame, token) => {
      frames.push(frame);
      heard.push(`frame of ${String(token)}`);
    },
    outcome: (_connection, outcome, frame) => heard.push(`${outcome} ${frame === frames[0]}`),
    delivered: (token, { sent }) => heard.push(`delivered ${String(token)} ${sent}`),
    hook: (_connection, name, step) => heard.push(`${name} ${step}`),
  });
  const ann = await new Peers(app).connect('/');
  ann.send('say');
  await turn(5);

  expect(ann.texts).toEqual(['"hi"']);
  expect(heard).toEqual([
    'onConnect begin',
    'joined room',
    'onConnect end',
    'onReceive begin',
    'delivering to room',
    'frame of token',
    'sent true',
    'delivered token 1',
    'onReceive threw',
    'left room',
    'onDisconnect begin',
    'onDisconnect end',
  ]);
});

test("a frame that a resume held reaches the wire as the delivery's own, and its outcome is told anew", async () => {
  const heard: string[] = [];
  const sockets: ServerWebSocket[] = [];
  const app = new App({ channelBox: new ChannelBox() }).wsRoute('/', async (ws) => {
    await ws.accept();
    sockets.push(ws);
    await ws.resume('room', { first: () => ws.app.clock.sleep(100) });
    await ws.receive();
  });
  const clock = new ManualClock();
  const frames = new Set<Frame>();
  instrument(app, {
    clock,
    held: (frame) => frames.add(frame),
    outcome: (_connection, outcome, frame) => heard.push(`${outcome} ${frames.has(frame)}`),
  });
  const ann = await new Peers(app).connect('/');
  await app.channelBox.groupSend('room', 1);
  expect(heard).toEqual(['queued true']);

  clock.advance(100);
  await turn(3);

  expect(heard).toEqual(['queued true', 'sent true']);
  expect(ann.texts).toEqual(['1']);
  await app.close();
});

test("a probe's logger takes the place of the app's own", async () => {
  const errors: string[] = [];
  const app = new App().wsRoute('/', () => {
    throw new Error('planned');
  });
  instrument(app, { clock: new ManualClock(), logger: { ...silent, error: (message) => errors.push(message) } });
  const peer = new Peers(app).ask('/');
  await turn(3);
  expect([peer.status, errors]).toEqual([500, ['a handler failed']]);
});

test('the seed of a test governs the names of histories: two runs give the same position', async () => {
  const positions = await Promise.all(
    [1, 2].map(async () => {
      await using t = testApp(() => new App(), { seed: 7 });
      return (await t.app.channelBox.groupSend('room', 1, { saveHistory: true })).position;
    }),
  );
  expect(positions[0]).toEqual(positions[1]);
});
