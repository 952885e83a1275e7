import { App, consumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';

test.each(['memory', 'tcp'] as const)('when a close is told, its hooks have run: %s', async (transport) => {
  const left: number[] = [];
  const app = new App().addWsRoute(
    consumer('/brief', {
      onReceive: (ws) => void ws.close(4000),
      onDisconnect: (_, code) => void left.push(code),
    }),
  );
  await using t = testApp(app, { transport });
  const client = await t.connect('/brief');
  client.sendText('go');
  await client.expectClosed({ code: 4000 });
  expect(left).toEqual([4000]);
  expect(app.inspect().connections).toBe(0);
});
