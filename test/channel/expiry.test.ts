import { ChannelBox, type ServerWebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { turn } from '../manual-clock.ts';
import { Stage } from '../stage.ts';

async function idle(expires: number | null, closeExpired = true): Promise<{ stage: Stage; ws: ServerWebSocket }> {
  const limits = { heartbeatMs: Infinity };
  const stage = new Stage({ channelBox: new ChannelBox({ closeExpired }), limits });
  const peer = await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  ws.channel.expires = expires;
  await ws.join('room');
  expect(peer.closed).toBeUndefined();
  return { stage, ws };
}

test('a channel without data closes with 4408 at its time, out of its groups, and not a millisecond earlier', async () => {
  const { stage, ws } = await idle(60);
  await using _stage = stage;

  await stage.clock.pass(59_999);
  expect([ws.isConnected(), ws.channel.isActive(), stage.app.inspect().memberships]).toEqual([true, true, 1]);
  await stage.clock.pass(1);

  expect([ws.isConnected(), stage.app.inspect().memberships]).toEqual([false, 0]);
  expect(ws.signal.reason).toMatchObject({ code: 4408 });
});

test('a data frame of either direction, or touch, begins the time anew; a ping does not', async () => {
  const { stage, ws } = await idle(60);
  await using _stage = stage;
  const restart: readonly (() => unknown)[] = [
    () => ws.sendText('x'),
    () => ws.channel.send('x'),
    () => stage.app.channelBox.groupSend('room', 'x'),
    () => stage.app.channelBox.sendTo(ws.id, 'x'),
    () => ws.channel.touch(),
  ];

  for (const begin of restart) {
    await stage.clock.pass(59_000);
    await begin();
    expect(ws.channel.expiresAt).toBeCloseTo(stage.clock.now() / 1000 + 60, 3);
  }
  await stage.clock.pass(59_000);
  expect(ws.isConnected()).toBe(true);
  await stage.clock.pass(1_000);
  expect(ws.isConnected()).toBe(false);
});

test('a message received begins the time anew', async () => {
  await using stage = new Stage({ limits: { heartbeatMs: Infinity } });
  const peer = await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  ws.channel.expires = 60;
  await stage.clock.pass(59_000);
  peer.send('x');
  await turn(3);
  await stage.clock.pass(59_000);
  expect(ws.isConnected()).toBe(true);
});

test('pings and pongs do not keep a channel alive', async () => {
  await using stage = new Stage({ limits: { heartbeatMs: 10_000 } });
  await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  ws.channel.expires = 60;

  await stage.clock.pass(59_000, 500);
  await turn(3);
  expect(ws.isConnected()).toBe(true);
  await stage.clock.pass(1_000);

  expect(ws.signal.reason).toMatchObject({ code: 4408 });
});

test('with closeExpired: false it only leaves, and expires again after it has come back', async () => {
  const { stage, ws } = await idle(60, false);
  await using _stage = stage;

  for (let round = 0; round < 3; round += 1) {
    await stage.clock.pass(60_000);
    expect([ws.isConnected(), ws.channel.isActive(), stage.app.inspect().memberships]).toEqual([true, false, 0]);
    expect(await stage.app.channelBox.cleanExpired()).toBe(0);
    ws.channel.touch();
    expect(await ws.join('room')).toBe('CHANNEL_ADDED');
  }
});

test('a bare channel never expires, and neither does one set to null', async () => {
  const { stage, ws } = await idle(null);
  await using _stage = stage;
  await stage.clock.pass(10 * 365 * 24 * 3600 * 1000);
  expect([ws.isConnected(), ws.channel.expiresAt]).toEqual([true, null]);
});

test('a jump of the wall clock expires nobody', async () => {
  const { stage, ws } = await idle(60);
  await using _stage = stage;
  stage.clock.jump(24 * 60 * 60 * 1000);
  await stage.clock.pass(59_999);
  expect(ws.isConnected()).toBe(true);
});

test('2 000 channels cost one pending timer, and advancing past all of them expires all', async () => {
  await using stage = new Stage({ limits: { heartbeatMs: Infinity } });
  await Promise.all(Array.from({ length: 2_000 }, () => stage.peers.connect('/')));
  for (const [at, ws] of stage.sockets.entries()) ws.channel.expires = 1 + (at % 100);
  expect(stage.clock.pending).toBe(1);

  await stage.clock.pass(100_000, 20_000);

  expect(stage.sockets.filter((ws) => ws.isConnected())).toEqual([]);
  expect(stage.app.inspect().counters['expired']).toBe(2_000);
});

test('a channel that has left all its groups is not cleaned again', async () => {
  const box = new ChannelBox({ closeExpired: false });
  await using stage = new Stage({ channelBox: box, limits: { heartbeatMs: Infinity } });
  await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  ws.channel.expires = 60;
  await ws.join('a');
  await ws.join('b');
  await stage.clock.pass(60_000);
  expect(stage.app.inspect().memberships).toBe(0);

  expect(await box.cleanExpired()).toBe(0);
});
