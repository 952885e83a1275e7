import { expect, test } from 'vitest';
import { testApp } from 'channelbox/testing';
import { createChat } from '../../examples/chat/chat.ts';

const room = (user: string): string => `/room/r?username=${user}`;
const spoken = (message: string): object => expect.objectContaining({ type: 'chat', message });

test('the chat server runs on the clock of a test', async () => {
  await using t = testApp(createChat);
  const ann = await t.connect(room('ann'));
  await ann.waitFor(expect.objectContaining({ type: 'system', message: 'ann joined the chat', users: 1 }));
  await t.clock.advance('90s');
  ann.sendJson({ type: 'message', content: 'later' });

  const { timestamp } = await ann.expect<{ timestamp: number }>((frame) => frame.timestamp > 0);
  expect(timestamp).toBe(t.clock.now() / 1000);
});

test('who waits between messages may go on for ever, who does not is closed with 1008', async () => {
  await using t = testApp(createChat);
  const [ann, bob] = await t.connectAll(2, room('x'));
  for (let second = 0; second < 60; second += 1) {
    for (let index = 0; index < 5; index += 1) ann.sendJson({ type: 'ping' });
    await t.clock.advance('1s');
  }
  for (let index = 0; index < 21; index += 1) bob.sendJson({ type: 'ping' });

  await bob.expectClosed({ code: 1008 });
  expect(ann.isOpen).toBe(true);
});

test('who says nothing for a day is still there', async () => {
  await using t = testApp(createChat);
  const [ann, bob] = await t.connectAll(2, room('p'));
  await t.clock.advance('24h');
  ann.sendJson({ type: 'message', content: 'good morning' });

  await bob.waitFor(spoken('good morning'));
});

test('somebody who vanished is told to have left, and may catch up', async () => {
  await using t = testApp(createChat);
  const ann = await t.connect(room('ann'));
  const bob = await t.connect(room('bob'));
  ann.sendJson({ type: 'message', content: 'one' });
  const { position } = await bob.waitFor<{ position: string }>(
    (frame) => 'message' in frame && frame.message === 'one',
  );
  bob.drop();
  await ann.waitFor(expect.objectContaining({ message: 'bob left the chat', users: 1 }));
  ann.sendJson({ type: 'message', content: 'two' });
  await ann.waitFor(spoken('two'));
  const again = await t.connect(room('bob'), { query: { since: position } });

  const page = await again.receiveJson<{ messages: { message: string }[]; recovered: boolean }>();
  expect(page.messages.map(({ message }) => message)).toEqual(['two']);
  expect(page.recovered).toBe(true);
});
