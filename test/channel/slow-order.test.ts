import { App, consumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';

test('what a hook says of a slow reader that was closed overtakes the message at no member', async () => {
  const app = new App({ limits: { maxBufferedBytes: 1_000 } }).addWsRoute(
    consumer('/room', {
      encoding: 'json',
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup();
      },
      async onDisconnect() {
        await this.broadcast('left');
      },
    }),
  );
  await using t = testApp(app);
  const [first, slow, last] = await t.connectAll(3, '/room');
  slow.pause();
  await app.channelBox.groupSend('default', 'x'.repeat(900));
  await t.settle();
  expect(await app.channelBox.groupSend('default', 'y'.repeat(900))).toMatchObject({ sent: 2, dropped: 1 });
  for (const member of [first, last]) await member.expectSequence([/x/, /y/, '"left"']);
  expect(app.inspect().counters['slowConsumers']).toBe(1);
});
