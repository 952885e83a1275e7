import { App, consumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { WebSocket as Client } from 'ws';

/** An app that does not await its accept, and what its next calls came to. */
function hasty(): { app: App; seen: unknown[] } {
  const seen: unknown[] = [];
  const app = new App().addWsRoute(
    consumer('/x', {
      async onConnect(ws) {
        void ws.accept();
        seen.push(ws.isConnected(), await this.joinGroup('all'), await this.send('hi'));
      },
    }),
  );
  return { app, seen };
}

const met = [true, 'CHANNEL_ADDED', 'sent'];

describe('an accept that nobody awaits has been given by the next line', () => {
  test.each(['memory', 'tcp'] as const)('in a test over %s', async (transport) => {
    const { app, seen } = hasty();
    await using t = testApp(app, { transport });
    const client = await t.connect('/x');
    await client.expect('"hi"');
    expect(seen).toEqual(met);
  });

  test('behind a port', async () => {
    const { app, seen } = hasty();
    const { port } = await app.listen(0, '127.0.0.1');
    const client = new Client(`ws://127.0.0.1:${port}/x`);
    await new Promise((resolve) => client.once('message', resolve));
    await app.close();
    expect(seen).toEqual(met);
  });
});
