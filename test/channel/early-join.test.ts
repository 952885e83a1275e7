import { App, type WebSocket } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';

test('a channel that joins before the accept is a member, and receives from the accept on', async () => {
  let accept = (): void => {};
  const app = new App().wsRoute('/early', async (ws) => {
    expect(await ws.join('room')).toBe('CHANNEL_ADDED');
    await new Promise<void>((resolve) => {
      accept = resolve;
    });
    await ws.accept();
    await ws.receive();
  });
  await using t = testApp(app, { watchdogMs: 20 });
  const connecting = t.connect('/early');
  expect(await app.channelBox.groupSend('room', 'too early')).toMatchObject({ members: 1, closed: 1 });
  accept();
  const client = await connecting;
  expect(await app.channelBox.groupSend('room', 'in time')).toMatchObject({ members: 1, sent: 1 });
  await client.expect('"in time"');
});

test('one that is denied after it joined is in no group', async () => {
  const app = new App().wsRoute('/early', async (ws) => {
    await ws.join('room');
    await ws.deny(401);
  });
  await using t = testApp(app);
  expect(await t.handshake('/early')).toMatchObject({ status: 401 });
  expect(await app.channelBox.members('room')).toEqual([]);
});

test('a resume before the accept is refused: its page could not leave', async () => {
  let failure: unknown;
  const app = new App().wsRoute('/early', async (ws: WebSocket) => {
    failure = await ws.resume('room').catch((error: unknown) => error);
  });
  await using t = testApp(app);
  await t.handshake('/early');
  expect(failure).toMatchObject({ code: 'CHANNELBOX_NOT_ACCEPTED' });
});
