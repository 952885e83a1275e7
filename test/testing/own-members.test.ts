import { App } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';

test('a transcript is compared, spread and written as JSON with its events', async () => {
  const app = new App();
  app.wsRoute('/', async (ws) => {
    await ws.accept();
    for await (const text of ws.iterText()) await ws.sendText(text);
  });
  await using kit = testApp(app);
  await using one = await kit.connect('/');
  await using other = await kit.connect('/');
  one.sendText('hello');
  expect(await one.receiveText()).toBe('hello');
  expect(one.transcript.events.length).toBeGreaterThan(other.transcript.events.length);
  expect(one.transcript).not.toEqual(other.transcript);
  expect({ ...one.transcript }.events).toEqual(one.transcript.events);
  expect(JSON.parse(JSON.stringify(one.transcript))).toHaveProperty('events.length', one.transcript.events.length);
});

test('a scope is compared, spread and written as JSON with the user of its state, as it is by then', async () => {
  let seen: unknown;
  const app = new App();
  app.wsRoute('/', async (ws) => {
    const { scope } = ws;
    ws.state['user'] = { name: 'ada' };
    seen = [{ ...scope }, JSON.parse(JSON.stringify(scope))];
    await ws.accept();
  });
  await using kit = testApp(app);
  await using client = await kit.connect('/');
  expect(client.transcript.events.length).toBeGreaterThan(0);
  const user = { name: 'ada' };
  expect(seen).toEqual([expect.objectContaining({ user }), expect.objectContaining({ user })]);
});
