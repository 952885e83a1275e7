/* oxlint-disable typescript/no-floating-promises -- node:test awaits what test() returns */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testApp } from 'channelbox/testing';
import { leavingApp } from './leaving-app.mjs';

const start = (context) => testApp(leavingApp(), { after: (cleanUp) => context.after(cleanUp) });

test('in order', async (context) => {
  const t = start(context);
  const client = await t.connect('/words');
  client.send('hi');
  assert.deepEqual(await client.receiveJson(), { heard: 'hi' });
});

test('only leaves', async (context) => {
  const t = start(context);
  const client = await t.connect('/words');
  client.send('forget');
  await client.expect({ heard: 'forget' });
});

test('asserts and leaves', async (context) => {
  const t = start(context);
  const client = await t.connect('/words');
  client.send('forget');
  assert.deepEqual(await client.receiveJson(), { heard: 'something else' });
});

test('expects and leaves', async (context) => {
  const t = start(context);
  const client = await t.connect('/words');
  client.send('forget');
  await client.expect({ heard: 'another word' });
});
