/** As it is written for Jest: globals, `afterEach`, asymmetric matchers handed to the kit. */
import { testApp } from 'channelbox/testing';
import { leavingApp } from './leaving-app.mjs';

let t;
beforeEach(() => {
  t = testApp(leavingApp());
});
afterEach(() => t.close());

test('in order', async () => {
  const client = await t.connect('/words');
  client.send('hi');
  await client.expect({ heard: expect.any(String) });
  client.send('hi');
  await client.expect(expect.objectContaining({ heard: expect.stringMatching(/^h/) }));
  await expect(client.expect('never')).rejects.toThrow('and nothing is on its way');
});

test('only leaves', async () => {
  const client = await t.connect('/words');
  client.send('forget');
  await client.expect({ heard: 'forget' });
});

test('asserts and leaves', async () => {
  const client = await t.connect('/words');
  client.send('forget');
  expect(await client.receiveJson()).toEqual({ heard: 'something else' });
});

test('expects and leaves', async () => {
  const client = await t.connect('/words');
  client.send('forget');
  await client.expect({ heard: expect.any(Number) });
});
