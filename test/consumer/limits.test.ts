import { App, consumer, WebSocketConsumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';

class Short extends WebSocketConsumer {
  static override readonly limits = { maxPayloadBytes: 4 };
}

test.each([
  ['object', consumer('/short', { limits: { maxPayloadBytes: 4 } })],
  ['class', Short.asRoute('/short')],
])("a consumer's own limits hold for its connections: %s form", async (_, route) => {
  await using t = testApp(new App().addWsRoute(route));
  const client = await t.connect('/short');
  client.sendText('four');
  await client.expectNothing();
  client.sendText('fives');
  await client.expectClosed({ code: 1009 });
});

test('a limit that is none fails where the route is made', () => {
  expect(() => consumer('/short', { limits: { maxPayloadBytes: -1 } })).toThrow('allowed is a whole number above 0');
});
