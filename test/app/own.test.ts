import { App, Channel, ChannelBox, instrument, type ServerWebSocket } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { Stage } from '../stage.ts';

describe('two apps in one process share nothing', () => {
  test('neither groups nor history nor members nor counters', async () => {
    await using one = new Stage();
    await using two = new Stage();
    await one.peers.connect('/');
    await one.sockets[0]?.join('room');
    await one.app.channelBox.groupSend('room', 'x', { saveHistory: true });

    expect(await two.app.channelBox.groupSend('room', 'x')).toMatchObject({ status: 'NO_SUCH_GROUP', members: 0 });
    expect((await two.app.channelBox.showHistory('room')).messages).toEqual([]);
    expect(await two.app.channelBox.showGroups()).toEqual(new Map());
    expect(await two.app.channelBox.sendTo(one.sockets[0]?.id ?? '', 'x')).toBe('closed');
    expect(await two.app.channelBox.closeAllConnections()).toBe(0);
    expect(two.app.inspect()).toMatchObject({ connections: 0, groups: 0, historyBytes: 0, counters: { accepted: 0 } });
    expect(one.app.inspect()).toMatchObject({ connections: 1, groups: 1, counters: { accepted: 1 } });
  });

  test('a channel of one is refused by the other', async () => {
    await using one = new Stage();
    await using two = new Stage();
    await one.peers.connect('/');
    const { channel } = one.sockets[0] as ServerWebSocket;

    await expect(two.app.channelBox.add(channel, 'room')).rejects.toMatchObject({ code: 'CHANNELBOX_FOREIGN_CHANNEL' });
    await expect(two.app.channelBox.resume(channel, 'room')).rejects.toMatchObject({
      code: 'CHANNELBOX_FOREIGN_CHANNEL',
    });
  });

  test('a box belongs to one of them', () => {
    const channelBox = new ChannelBox();
    expect(new App({ channelBox }).channelBox).toBe(channelBox);
    expect(() => new App({ channelBox })).toThrow(expect.objectContaining({ code: 'CHANNELBOX_BOX_TAKEN' }));
  });

  test('an object that is no box is refused', () => {
    const foreign = {} as ChannelBox;
    expect(() => new App({ channelBox: foreign })).toThrow(expect.objectContaining({ code: 'CHANNELBOX_FOREIGN_BOX' }));
  });
});

test('a box without an app works, on the machine’s clock', async () => {
  const box = new ChannelBox();
  await box.groupSend('room', { a: 1 }, { saveHistory: true });
  const { messages } = await box.showHistory('room');
  expect(messages).toMatchObject([{ payload: { a: 1 }, position: { offset: 1 } }]);
  expect(Math.abs((messages[0]?.created ?? 0) - Date.now() / 1000)).toBeLessThan(60);
});

test('a clock put in after the first connection is refused', async () => {
  await using stage = new Stage();
  await stage.peers.connect('/');
  expect(() => instrument(stage.app, { clock: new ManualClock() })).toThrow(
    expect.objectContaining({ code: 'CHANNELBOX_APP_IN_USE' }),
  );
});

test('what is read of the history is a value of the reader’s own', async () => {
  const box = new ChannelBox();
  await box.groupSend('room', { a: [1] }, { saveHistory: true });
  const first = (await box.showHistory('room')).messages[0]?.payload as { a: number[] };
  first.a.push(2);
  expect((await box.showHistory('room')).messages[0]?.payload).toEqual({ a: [1] });
});

test('a claimed channel is the one that ws.channel gives', async () => {
  await using stage = new Stage({}, (app) =>
    app.wsRoute('/claimed', async (ws) => {
      const channel = new Channel(ws, { payloadType: 'text', metadata: { name: 'Ann' }, expires: 60 });
      expect(ws.channel).toBe(channel);
      expect(channel.uuid).toBe(ws.id);
      expect((channel.expiresAt ?? 0) - channel.created).toBeCloseTo(60, 0);
      await ws.accept();
      await ws.receive();
    }),
  );
  await stage.peers.connect('/claimed');
  expect(stage.failures).toEqual([]);
});
