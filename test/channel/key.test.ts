import { App, ChannelBox } from 'channelbox';
import { expect, test } from 'vitest';
import { turn } from '../manual-clock.ts';
import { Peers } from '../peers.ts';

async function room(
  options: ConstructorParameters<typeof ChannelBox>[0] = {},
): Promise<{ app: App; texts: unknown[] }> {
  const app = new App({ channelBox: new ChannelBox(options) }).wsRoute('/', async (ws) => {
    await ws.accept();
    await ws.join('room');
    await ws.receive();
  });
  const peer = await new Peers(app).connect('/');
  return { app, texts: peer.texts };
}

test('a message sent again with its key is published once, and told where the first one is', async () => {
  const { app } = await room();
  await using _app = app;
  const send = (payload: string, key?: string): Promise<object> =>
    app.channelBox.groupSend('room', payload, { saveHistory: true, ...(key !== undefined && { key }) });
  const first = await send('hi', 'order 7');
  await send('other');
  const again = await send('hi', 'order 7');
  await turn(2);

  expect(again).toEqual({ ...first, members: 0, sent: 0, queued: 0, dropped: 0, closed: 0, nodes: 0 });
  const { messages } = await app.channelBox.showHistory('room');
  expect(messages.map(({ payload }) => payload)).toEqual(['hi', 'other']);
});

test('a key holds for its group, and as long as the history keeps the message', async () => {
  const { app } = await room({ historyCount: 2 });
  await using _app = app;
  const offset = async (group: string): Promise<number | undefined> =>
    (await app.channelBox.groupSend(group, 'hi', { saveHistory: true, key: 'k' })).position?.offset;
  expect([await offset('room'), await offset('room'), await offset('other')]).toEqual([1, 1, 1]);
  for (let count = 0; count < 2; count += 1) await app.channelBox.groupSend('room', 'x', { saveHistory: true });
  expect([await offset('room'), await offset('room')]).toEqual([4, 4]);
});

test('a key without a history, or that is none, is refused before anyone is sent to', async () => {
  const { app, texts } = await room();
  await using _app = app;
  const send = (options: object): Promise<unknown> => app.channelBox.groupSend('room', 'hi', options);
  await expect(send({ key: 'k' })).rejects.toMatchObject({ code: 'CHANNELBOX_KEY_UNSAVED' });
  for (const key of ['', 7, 'k'.repeat(256), 'é'.repeat(128)]) {
    await expect(send({ key, saveHistory: true })).rejects.toMatchObject({ code: 'CHANNELBOX_KEY' });
  }
  expect(texts).toEqual([]);
});

test('a group whose history is flushed begins anew, and no other does', async () => {
  const { app } = await room();
  await using _app = app;
  const box = app.channelBox;
  const empty = (await box.showHistory('empty')).position;
  await box.groupSend('room', 1, { saveHistory: true });
  await box.flushHistory('room');

  expect((await box.showHistory('empty', { since: empty })).recovered).toBe(true);
  await box.groupSend('empty', 1, { saveHistory: true });
  expect(await box.showHistory('empty', { since: empty })).toMatchObject({
    recovered: true,
    messages: [{ payload: 1 }],
  });
});

test('what keeping costs is counted: sixty thousand groups of one empty message stay within the bound', async () => {
  const { app } = await room({ historyTotalBytes: 1_048_576 });
  await using _app = app;
  for (let count = 0; count < 60_000; count += 1) {
    void app.channelBox.groupSend(`group ${count}`, '', { saveHistory: true });
  }
  const { historyBytes } = app.inspect();
  expect(historyBytes).toBeGreaterThan(1_000_000);
  expect(historyBytes).toBeLessThanOrEqual(1_048_576);
  expect((await app.channelBox.showHistory()).size).toBe(682);
});
