import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';
import { leavingApp } from './leaving-app.mjs';

test('in order', async ({ onTestFinished }) => {
  const t = testApp(leavingApp(), { after: onTestFinished });
  const client = await t.connect('/words');
  client.send('hi');
  expect(await client.receiveJson()).toEqual({ heard: 'hi' });
});

test('only leaves', async ({ onTestFinished }) => {
  const t = testApp(leavingApp(), { after: onTestFinished });
  const client = await t.connect('/words');
  client.send('forget');
  await client.expect({ heard: 'forget' });
});

test('asserts and leaves', async ({ onTestFinished }) => {
  const t = testApp(leavingApp(), { after: onTestFinished });
  const client = await t.connect('/words');
  client.send('forget');
  expect(await client.receiveJson()).toEqual({ heard: 'something else' });
});

test('expects and leaves', async ({ onTestFinished }) => {
  const t = testApp(leavingApp(), { after: onTestFinished });
  const client = await t.connect('/words');
  client.send('forget');
  await client.expect({ heard: 'another word' });
});
